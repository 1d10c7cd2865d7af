import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeTask, verdictOf } from "../../../test/fake-task.ts";
import { nodeFileSystem } from "../../adapters/file-system.ts";
import { evaluationHeader, type HeaderParts, sampleKey, wantedSettings } from "../../evaluate/evaluation-plan.ts";
import type { EvaluationOrigin, EvaluationSample } from "../../schema/evaluation.ts";
import {
  openEvaluation,
  readSamples,
  readScores,
  requireComplete,
  writeScores,
  writeSummary,
} from "./evaluation-folder.ts";

const fs = nodeFileSystem();
const ports = { fs, processes: { self: { pid: 7, host: "here", birth: "" }, isAlive: () => true } };
const task = fakeTask(3);
const settings = wantedSettings({ budgets: [], waits: [], isDirect: false, temperature: 0 }, 100);
const origin: EvaluationOrigin = { schemaVersion: 1, command: "grappa evaluate --task sums", task: "sums", data: null };

const begun = (change: Partial<HeaderParts> = {}) => ({
  header: evaluationHeader({
    task,
    model: { facts: { kind: "chat", name: "m", digest: null }, maxTokens: 100, answerTokens: null },
    settings,
    samplesPerQuestion: 1,
    seed: 0,
    temperature: 0,
    graderVersion: "g1",
    sandbox: null,
    grappaVersion: "1",
    ...change,
  }),
  origin,
});

const sample = (n: number): EvaluationSample => ({
  schemaVersion: 1,
  questionId: task.questions[n]!.id,
  cluster: task.questions[n]!.id,
  setting: settings[0]!,
  sampleIndex: 0,
  promptHash: "a".repeat(64),
  thinking: "",
  answer: "4",
  promptTokens: 1,
  thinkingTokens: 0,
  completionTokens: 1,
  finishReason: "stop",
  isThinkingCut: false,
  costMicroUsd: 0,
  verdict: verdictOf("4", task.questions[n]!.gold ?? ""),
  graderVersion: "g1",
  sandbox: null,
});

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "grappa-evaluation-")), "one");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("an evaluation's folder", () => {
  it("keeps samples and knows them when it is opened again, by another grappa too", async () => {
    const first = await openEvaluation(ports, folder, begun());
    expect([...first.done]).toEqual([]);
    await first.append(sample(0));
    await first.append(sample(1));
    await first.close();
    const again = await openEvaluation(ports, folder, begun({ grappaVersion: "2" }));
    expect([...again.done]).toEqual([sampleKey(sample(0)), sampleKey(sample(1))]);
    await again.close();
    expect(await all(readSamples(fs, folder))).toEqual([sample(0), sample(1)]);
    expect(JSON.parse(await readFile(join(folder, "evaluation.json"), "utf8"))).toMatchObject({ grappaVersion: "1" });
  });

  it("removes a line that a crash cut off, and says how long it was", async () => {
    const first = await openEvaluation(ports, folder, begun());
    await first.append(sample(0));
    await first.close();
    await appendFile(join(folder, "samples.jsonl"), '{"schemaVersion":1,"questio');
    expect(await all(readSamples(fs, folder))).toEqual([sample(0)]);
    const again = await openEvaluation(ports, folder, begun());
    expect([again.done.size, again.tornBytes]).toEqual([1, 27]);
    await again.append(sample(1));
    await again.close();
    expect(await all(readSamples(fs, folder))).toEqual([sample(0), sample(1)]);
  });

  it("refuses another evaluation, naming what differs, and is left as it was", async () => {
    await (await openEvaluation(ports, folder, begun())).close();
    const before = await readFile(join(folder, "evaluation.json"), "utf8");
    await expect(openEvaluation(ports, folder, begun({ seed: 1, temperature: 0.5 }))).rejects.toMatchObject({
      code: "run-changed",
      message: `${folder}: holds another evaluation; different: seed, temperature`,
      data: { changes: ["seed", "temperature"] },
    });
    await expect(openEvaluation(ports, folder, begun({ graderVersion: "g2" }))).rejects.toMatchObject({
      code: "run-changed",
      hint: expect.stringContaining("grappa rescore one") as string,
    });
    expect(await readFile(join(folder, "evaluation.json"), "utf8")).toBe(before);
    expect((await readdir(folder)).filter((name) => name.startsWith("lock"))).toEqual([]);
  });

  it("is locked while it is open", async () => {
    const open = await openEvaluation(ports, folder, begun());
    await expect(openEvaluation(ports, folder, begun())).rejects.toMatchObject({ code: "run-locked" });
    await open.close();
    await (await openEvaluation(ports, folder, begun())).close();
  });

  it("leaves a folder alone that holds somebody's work", async () => {
    await fs.makeFolder(folder);
    await writeFile(join(folder, "thesis.tex"), "text");
    await expect(openEvaluation(ports, folder, begun())).rejects.toMatchObject({ code: "file-denied" });
    expect(await readdir(folder)).toEqual(["thesis.tex"]);
  });

  it("numbers rescorings, reads the newest, and never changes the log", async () => {
    const open = await openEvaluation(ports, folder, begun());
    await open.append(sample(0));
    await open.append(sample(2));
    await open.close();
    const log = await readFile(join(folder, "samples.jsonl"));
    expect(await readScores(fs, folder)).toBeUndefined();
    for (const graderVersion of ["g2", "g3"]) {
      const again = async function* () {
        for await (const { questionId, setting, sampleIndex, verdict } of readSamples(fs, folder))
          yield { schemaVersion: 1 as const, questionId, setting, sampleIndex, verdict, graderVersion, sandbox: null };
      };
      await writeScores(fs, folder, again());
    }
    expect((await readdir(folder)).filter((name) => name.startsWith("scores"))).toEqual([
      "scores-1.jsonl",
      "scores-2.jsonl",
    ]);
    const scored = await all(readSamples(fs, folder, await readScores(fs, folder)));
    expect(scored.map(({ graderVersion }) => graderVersion)).toEqual(["g3", "g3"]);
    expect((await readFile(join(folder, "samples.jsonl"))).equals(log)).toBe(true);
  });

  it("leaves no scores behind when a rescoring fails half-way", async () => {
    await (await openEvaluation(ports, folder, begun())).close();
    const failing = async function* () {
      yield* [];
      throw new Error("broken");
    };
    await expect(writeScores(fs, folder, failing())).rejects.toThrow("broken");
    expect((await readdir(folder)).filter((name) => name.includes("scores"))).toEqual([]);
  });

  it("is complete when it has its summary, and says how to go on until then", async () => {
    await (await openEvaluation(ports, folder, begun())).close();
    await expect(requireComplete(fs, folder)).rejects.toMatchObject({
      code: "file-missing",
      hint: "go on with it: grappa evaluate --task sums",
    });
    await writeSummary(fs, folder, { summary: {}, chartSvg: "<svg/>" });
    await requireComplete(fs, folder);
  });
});
