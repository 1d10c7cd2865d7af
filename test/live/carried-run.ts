/** @file A finished run's folder as far as carrying its student needs one: no training, the weights are given. */
import { cp, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";
import { describeBase } from "../../src/pipeline/base-fact.ts";
import type { CarriedRun } from "../../src/pipeline/carry-student.ts";
import { collectQuestions } from "../../src/questions/collect-questions.ts";
import { chainFamilies } from "../../src/questions/chain-families.ts";
import type { RunManifest } from "../../src/schema/manifest.ts";
import type { Question } from "../../src/schema/records.ts";
import { fakeRunResults } from "../report/fake-run-results.ts";

export const DEMO_BASE = "models/demo-base";

/** Held-out questions, as an evaluation writes them. */
export function heldOut(count: number): Question[] {
  return Object.values(chainFamilies).flatMap((family) =>
    collectQuestions({ family, count, difficulty: [3, 4], bucket: "test", seed: 0 }),
  );
}

/**
 * A run whose student is a copy of `studentFolder` and whose base is the demo's. The caller removes `folder`.
 *
 * @param shown How many of the questions the report shows as examples.
 */
export async function carriedRun(studentFolder: string, shown = 1): Promise<CarriedRun> {
  const folder = await mkdtemp(join(tmpdir(), "grappa-live-"));
  await cp(studentFolder, join(folder, "stages/train-1/student"), { recursive: true });
  const questions = heldOut(20);
  await mkdir(join(folder, "stages/evaluate-2"), { recursive: true });
  await writeFile(
    join(folder, "stages/evaluate-2/questions.jsonl"),
    questions.map((question) => `${JSON.stringify(question)}\n`).join(""),
  );
  const { recipe, examples } = fakeRunResults();
  const example = examples[0]!;
  const manifest = {
    recipe: { ...recipe, student: { base: "demo-base" } },
    facts: { baseWeights: describeBase(await readModelFolder(DEMO_BASE)) },
    stages: [
      { stage: "train", key: "1" },
      { stage: "evaluate", key: "2" },
    ],
  } as unknown as RunManifest;
  const results = { examples: questions.slice(0, shown).map((question) => ({ ...example, question })) };
  return { fs: nodeFileSystem(), folder, manifest, results };
}
