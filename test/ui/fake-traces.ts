/** @file A run with as many traces as a test wants, in stages that are done as grappa finishes them. */
import { join } from "node:path";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import type { Stage, StageSummary } from "../../src/pipeline/stage.ts";
import { finishStage, stageFolder } from "../../src/pipeline/stage-folder.ts";
import type { StageName } from "../../src/schema/manifest.ts";
import type { Dropped, GradedTrace, Question, Selection, Trace, TraceLength } from "../../src/schema/records.ts";
import { at, type FakeEvent, writeFakeRun } from "./fake-run.ts";

const schemaVersion = 1;
const id = (kind: string, place: number): string => `${kind}${place.toString(16).padStart(15, "0")}`;

/** Id of the question and of the trace at a place. */
export const questionId = (place: number): string => id("a", place);
export const traceId = (place: number): string => id("b", place);

/** Texts of a trace; what is not given is dull. */
export interface FakeTexts {
  readonly question?: string;
  readonly thinking?: string;
  readonly answer?: string;
}

/** Of four traces one is selected, one is wrong, and two are not drawn. */
const fateOf = (place: number): "selected" | "not-correct" | "not-drawn" =>
  place % 4 === 0 ? "selected" : place % 4 === 1 ? "not-correct" : "not-drawn";

/** Writes the run. The question of trace 7 reads "What is 7 plus 7?", and its thinking "7 and 7 is 14, step 7". */
export async function writeTracedRun(
  folder: string,
  count: number,
  textsOf: (place: number) => FakeTexts = () => ({}),
): Promise<void> {
  const places = Array.from({ length: count }, (_, place) => place);
  const questions = places.map(
    (place): Question => ({
      schemaVersion,
      id: questionId(place),
      text: textsOf(place).question ?? `What is ${place} plus ${place}?`,
      answer: String(2 * place),
      family: "sums",
      domain: place % 2 === 0 ? "even" : "odd",
      difficulty: 1,
      bucket: "train",
      metadata: {},
    }),
  );
  const traces = places.map(
    (place): Trace => ({
      schemaVersion,
      id: traceId(place),
      questionId: questionId(place),
      provider: "acme",
      model: "teacher-1",
      sampleIndex: 0,
      thinking: textsOf(place).thinking ?? `${place} and ${place} is ${2 * place}, step ${place}`,
      answer: textsOf(place).answer ?? String(2 * place),
      provenance: "raw",
      finishReason: "stop",
      usage: { promptTokens: 5, completionTokens: 9, reasoningTokens: 8, isEstimated: false },
      costMicroUsd: 12,
    }),
  );
  const ids = (place: number) => ({ schemaVersion, traceId: traceId(place), questionId: questionId(place) }) as const;
  const grades = places.map((place): GradedTrace => {
    const outcome = fateOf(place) === "not-correct" ? "incorrect" : "correct";
    return { ...ids(place), grade: { outcome, extracted: String(2 * place), rule: "integer" } };
  });
  const lengths = places.map(
    (place): TraceLength => ({ schemaVersion, traceId: traceId(place), thinkingTokens: place }),
  );
  const of = (isWanted: (fate: string) => boolean) => places.filter((place) => isWanted(fateOf(place)));
  const selection = of((fate) => fate === "selected").map(
    (place, rank): Selection => ({ ...ids(place), rank, domain: "even", thinkingTokens: place, reason: "random" }),
  );
  const dropped = of((fate) => fate !== "selected").map((place): Dropped => {
    const reason = fateOf(place);
    const stage = reason === "not-drawn" ? "select" : "quality";
    return { schemaVersion, id: traceId(place), stage, reason, detail: reason === "not-drawn" ? "" : "incorrect" };
  });
  writeFakeRun(folder, { events: DONE });
  await writeStage(folder, "collect", { "questions.jsonl": questions });
  await writeStage(folder, "trace", { "traces.jsonl": traces });
  await writeStage(folder, "grade", { "grades.jsonl": grades, "lengths.jsonl": lengths });
  const reasons = Object.fromEntries(
    ["not-drawn", "not-correct"].map((reason) => [reason, dropped.filter((row) => row.reason === reason).length]),
  );
  const funnel = [{ stage: "select", in: count, kept: selection.length, dropped: dropped.length, reasons }];
  await writeStage(folder, "select", { "selection.jsonl": selection, "dropped.jsonl": dropped }, { funnel });
}

const KEY = "0123456789abcdef";
const STAGES: readonly StageName[] = ["collect", "trace", "grade", "select"];

const DONE: readonly FakeEvent[] = STAGES.flatMap((stage): FakeEvent[] => [
  { at: at("10:00:00"), type: "stage-start", stage, key: KEY, note: "" },
  { at: at("10:00:10"), type: "stage-end", stage, key: KEY, note: "done" },
]);

/** A stage's files by name, and what it says of them. */
type FakeStage = readonly [files: Record<string, readonly object[]>, summary?: StageSummary];

/** Writes a stage as grappa finishes one. */
export async function writeStage(run: string, name: StageName, ...[files, summary = {}]: FakeStage): Promise<void> {
  const fs = nodeFileSystem();
  const folder = stageFolder(run, name, KEY);
  for (const [file, rows] of Object.entries(files))
    await fs.writeAtomic(join(folder, file), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const refuse = (): never => {
    throw new Error("not to be run");
  };
  const stage: Stage = {
    name,
    inputs: [],
    facts: [],
    codeVersion: 1,
    config: () => ({}),
    plan: () => "",
    run: refuse,
  };
  await finishStage(fs, folder, { stage, identity: { key: KEY, config: {}, facts: {}, inputs: {} }, summary });
}
