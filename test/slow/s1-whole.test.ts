/**
 * @file The whole of `recipes/s1` up to its selection on a made-up pool of 59,029 questions: the hub, the teacher, both students and
 * the judge are servers on loopback, and the program is the real one, in a process of its own.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { type Candidate, sourceOf } from "../../src/curate/candidate.ts";
import { selectExamples } from "../../src/curate/select.ts";
import { finishedStages, finishedStageFolder } from "../../src/pipeline/finished-stages.ts";
import { loadRecipe } from "../../src/pipeline/load-recipe.ts";
import type { Recipe } from "../../src/schema/recipe.ts";
import {
  type FunnelStage,
  GradedTrace,
  Question,
  QuestionDomain,
  Selection,
  Trace,
  TraceLength,
} from "../../src/schema/records.ts";
import { askSelectionOracle, hasPython } from "../ask-selection-oracle.ts";
import { type FakeHub, startFakeHubOf } from "../hub/fake-hub.ts";
import { makeS1Pool } from "../s1-pool.ts";
import { isRight } from "./s1-draws.mjs";

const ROOT = join(import.meta.dirname, "../..");
const fs = nodeFileSystem();
let folder: string;
let hub: FakeHub;
let models: ChildProcess;
let modelsOrigin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-s1-whole-"));
  models = fork(join(import.meta.dirname, "s1-models.mjs"), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const [port] = (await once(models.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  modelsOrigin = `http://127.0.0.1:${Number(port.toString())}`;
  const recipe = await shippedRecipe();
  hub = await startFakeHubOf(makeS1Pool(recipe));
  await writeFile(join(folder, "recipe.json"), JSON.stringify(withLocalModels(recipe)));
});
afterAll(async () => {
  models.kill();
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

async function shippedRecipe(): Promise<Recipe> {
  const importDefault = (): Promise<unknown> => Promise.reject(new Error("no module"));
  const { recipe } = await loadRecipe("s1", [], { fs, packageFolder: ROOT, workingFolder: folder, importDefault });
  return recipe;
}

/** The recipe as it is, but for where its models are. */
function withLocalModels({ schemaVersion: _version, $schema: _schema, ...recipe }: Recipe): object {
  const local = (role: string) => ({
    type: "openai-compatible",
    name: role,
    baseUrl: `${modelsOrigin}/${role}/v1`,
    model: role,
    maxTokens: 32_768,
    limits: { concurrency: 64 },
    price: { inputUsdPerMillion: 0.1, outputUsdPerMillion: 0.4 },
  });
  return {
    ...recipe,
    judge: local("judge"),
    attempt: { ...recipe.attempt, students: [local("student-7b"), local("student-32b")] },
    trace: { ...recipe.trace, teacher: local("teacher") },
  };
}

/** The real program; resolves with what it said when it ended. */
async function grappa(...args: string[]): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [join(ROOT, "dist/cli/main.js"), ...args], {
    cwd: folder,
    env: {
      ...process.env,
      HF_ENDPOINT: hub.endpoint,
      GRAPPA_CACHE: join(folder, "cache"),
      TOGETHER_API_KEY: "not-a-key-and-never-sent",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: code === 0 ? stdout : stdout + stderr.slice(-4000) };
}

type Counts = Readonly<Record<"teacher" | "student-7b" | "student-32b" | "graded" | "sorted", number>>;

/** How often each model was asked for what. */
const counts = async (): Promise<Counts> => (await (await fetch(`${modelsOrigin}/counts`)).json()) as Counts;

/** What the selection chose from, read from the files of the stages before it. */
async function candidates(run: string): Promise<Candidate[]> {
  const stages = await finishedStages(fs, run);
  const stage = (name: "attempt" | "trace" | "grade") => {
    const found = stages.get(name);
    if (found === undefined) throw new Error(`${name} is not finished`);
    return found;
  };
  const questions = new Map(
    (await stage("attempt").readRows("questions.jsonl", Question)).map((question) => [question.id, question]),
  );
  const domains = new Map(
    (await stage("grade").readRows("domains.jsonl", QuestionDomain)).map((row) => [row.questionId, row.domain]),
  );
  const lengths = new Map(
    (await stage("grade").readRows("lengths.jsonl", TraceLength)).map((row) => [row.traceId, row.thinkingTokens]),
  );
  const grades = new Map(
    (await stage("grade").readRows("grades.jsonl", GradedTrace)).map((row) => [row.traceId, row.grade.outcome]),
  );
  const traces = await stage("trace").readRows("traces.jsonl", Trace);
  return traces.flatMap(({ id, questionId }) => {
    const question = questions.get(questionId);
    if (question === undefined) return []; // a student solved it
    return {
      questionId,
      traceId: id,
      source: sourceOf(question),
      domain: domains.get(questionId) ?? "",
      isCorrect: grades.get(id) === "correct",
      thinkingTokens: lengths.get(id) ?? 0,
    };
  });
}

describe("recipes/s1 on 59,029 questions", () => {
  let funnel: readonly FunnelStage[];
  const run = (): string => join(folder, "s1");

  test("goes from its sources to its selection, and the funnel adds up", async () => {
    const accepted = ["teacher", "student-7b", "student-32b", "judge"].flatMap((name) => ["--accept-terms", name]);
    const { code, stdout } = await grappa("curate", "recipe.json", "--run", "s1", "--yes", "--json", ...accepted);
    expect([code, stdout.slice(-4000)]).toEqual([0, expect.any(String)]);
    ({ funnel } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as { funnel: FunnelStage[] });
    for (const { in: total, kept, dropped, reasons } of funnel) {
      expect(kept + dropped).toBe(total);
      expect(Object.values(reasons).reduce((sum, rows) => sum + rows, 0)).toBe(dropped);
    }
    const of = (name: string) => funnel.find(({ stage }) => stage === name);
    const collected = await (await finishedStages(fs, run())).get("collect")?.readRows("questions.jsonl", Question);
    const texts = (collected ?? []).map(({ text }) => text);
    const by7b = texts.filter((text) => isRight("student-7b", text));
    const by32b = texts.filter((text) => !isRight("student-7b", text) && isRight("student-32b", text));
    const solved = by7b.length + by32b.length;
    const asked = await counts();
    const withReference = 59_029 - 519 - 151; // USACO and LiveCodeBench have none, and s1 drops what cannot be graded
    expect(funnel[0]?.in).toBe(59_029);
    expect(collected).toHaveLength(withReference);
    expect(asked["student-7b"]).toBe(withReference);
    expect(asked["student-32b"]).toBe(withReference - by7b.length);
    expect(asked.teacher).toBe(withReference); // s1's order: all is traced, and what is too easy goes afterwards
    expect(of("difficulty")).toMatchObject({ in: withReference, reasons: { "solved-by-base": solved } });
    expect(asked.sorted).toBeGreaterThanOrEqual(withReference - solved);
    expect(funnel.at(-1)?.kept).toBe(1000);
  });

  test("its selection is that of an independent oracle, for its seed and 200 others", async (context) => {
    if (!hasPython) return context.skip("no python3 of version 3.9 or newer here");
    const pool = await candidates(run());
    const folderOf = await finishedStageFolder(fs, run(), "select");
    const lines = (await readFile(join(folderOf, "selection.jsonl"), "utf8")).trimEnd().split("\n");
    const selected = lines.map((line) => Selection.parse(JSON.parse(line)));
    const { seed: ownSeed, select } = await shippedRecipe();
    const seeds = [ownSeed, ...Array.from({ length: 200 }, (_, k) => 1000 + k)];
    const [own, ...others] = askSelectionOracle(
      pool,
      seeds.map((seed) => ({ ...select, seed })),
    );
    expect(selected.map(({ traceId, reason }) => [traceId, reason])).toEqual(own);
    others.forEach((expected, k) => {
      const { kept } = selectExamples(pool, { ...select, seed: 1000 + k });
      expect(kept.map(({ traceId, reason }) => [traceId, reason])).toEqual(expected);
    });
    expect(new Set(selected.map(({ reason }) => reason))).toEqual(
      new Set(["seed", "uniform-domain", "benchmark-domain"]),
    );
  });

  test("`grappa verify` makes it again byte for byte, and tells of one flipped byte", async () => {
    expect(await grappa("verify", "s1", "--json")).toMatchObject({ code: 0 });
    const path = join(await finishedStageFolder(fs, run(), "select"), "selection.jsonl");
    const bytes = await readFile(path);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(path, flipped);
    const { code, stdout } = await grappa("verify", "s1");
    expect(code).toBe(4);
    expect(stdout).toContain("selection.jsonl");
    await writeFile(path, bytes);
    expect(await grappa("verify", "s1", "--json")).toMatchObject({ code: 0 });
  });

  test("a second run asks nobody", async () => {
    const before = await counts();
    const { code } = await grappa("curate", "recipe.json", "--run", "s1", "--yes", "--json");
    expect(code).toBe(0);
    expect(await counts()).toEqual(before);
  });
});
