/** @file A small training job with the real trainer: a tiny random student, 64 examples, 5 epochs, the same on every launcher. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import type { JobHandle, JobSpec, Launcher } from "../../src/adapters/launchers/launcher.ts";
import { pythonBundle } from "../../src/adapters/launchers/python-bundle.ts";
import { prng } from "../../src/core/prng.ts";
import { EVENT_MARK, TrainingEvent, TrainingJob } from "../../src/schema/training-job.ts";
import { writeTinyStudent } from "../tiny-student.ts";

const EXAMPLES = 64;
const EPOCHS = 5;
const BATCH = 16;
/** Optimizer steps of a training of so many epochs. */
export const totalSteps = (epochs: number): number => (EXAMPLES / BATCH) * epochs;
/** Optimizer steps of the whole training. */
export const TOTAL_STEPS = totalSteps(EPOCHS);
/** The embedding of the tiny student has at least as many rows. */
const IDS = 300;

/** Random rows of unlike length, the first third of each masked. */
export function tinyExamples(): { inputIds: number[]; labels: number[] }[] {
  const random = prng("tiny training");
  return Array.from({ length: EXAMPLES }, () => {
    const length = random.int(40, 199);
    const inputIds = Array.from({ length }, () => random.int(0, IDS - 1));
    return { inputIds, labels: inputIds.map((id, place) => (place < length / 3 ? -100 : id)) };
  });
}

/** Another order in each epoch. */
export function tinyOrder(epochs = EPOCHS): number[][] {
  return Array.from({ length: epochs }, (_, epoch) =>
    prng(`epoch ${epoch}`).shuffle(Array.from({ length: EXAMPLES }, (_each, place) => place)),
  );
}

/** The job with its base, made below `folder`; `changes` are fields of its config. */
export async function tinyTraining(folder: string, name: string, changes: Partial<TrainingJob> = {}): Promise<JobSpec> {
  const base = join(folder, "tiny-base");
  const { epochs = EPOCHS } = changes;
  await writeTinyStudent(base);
  const config = TrainingJob.parse({
    schemaVersion: 1,
    name,
    model: "model",
    revision: null,
    examples: "examples.jsonl",
    order: "order.jsonl",
    probes: [],
    addedIds: IDS,
    output: "out",
    maxLength: 320,
    epochs,
    batchSize: BATCH,
    microBatch: 1,
    totalSteps: totalSteps(epochs),
    warmupSteps: 1,
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 1e-4,
    maxGradientNorm: 1,
    lossReduction: "token",
    method: "full",
    lora: { rank: 4, alpha: 8, dropout: 0 },
    precision: "f32",
    attention: "sdpa",
    gradientCheckpointing: false,
    packing: false,
    sharding: "auto",
    device: "cpu",
    checkpointEverySteps: 3,
    checkpointsKept: 2,
    seed: 0,
    stopAfterSeconds: null,
    ...changes,
  });
  const head = { schemaVersion: 1, questionId: "0".repeat(16), traceId: "0".repeat(16), thinkingTokens: 0 };
  const lines = (rows: readonly object[]): Uint8Array =>
    Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return {
    name,
    files: [
      ...(await pythonBundle(nodeFileSystem())),
      { path: "config.json", bytes: Buffer.from(JSON.stringify(config)) },
      { path: "examples.jsonl", bytes: lines(tinyExamples().map((example) => ({ ...head, ...example }))) },
      {
        path: "order.jsonl",
        bytes: lines(tinyOrder(epochs).map((examples, epoch) => ({ schemaVersion: 1, epoch, examples }))),
      },
      { path: "model", from: base },
    ],
    program: "train.py",
    args: ["config.json"],
    isDistributed: true,
    requirements: "torch==2.13.0\ntrl==1.13.0\n",
    environment: { HF_HUB_OFFLINE: "1", PYTHONDONTWRITEBYTECODE: "1" },
    timeoutSeconds: null,
  };
}

/** The event in a line of output, if there is one. */
export function eventOf(line: string): TrainingEvent | undefined {
  const at = line.indexOf(EVENT_MARK);
  if (at < 0) return undefined;
  const parsed = TrainingEvent.safeParse(JSON.parse(line.slice(at + EVENT_MARK.length)));
  return parsed.success ? parsed.data : undefined;
}

/** Goes on once the job has printed that it did this step or a later one. */
export async function stepReached(
  launcher: Launcher,
  handle: JobHandle,
  { step, after = 0 }: { step: number; after?: number },
): Promise<void> {
  let starts = 0;
  const lines: string[] = [];
  for await (const line of launcher.logs(handle, new AbortController().signal)) {
    lines.push(line);
    const event = eventOf(line);
    if (event?.type === "start") starts += 1;
    if (event?.type === "step" && event.step >= step && starts > after) return;
  }
  throw new Error(`the job ended before step ${step}:\n${lines.slice(-40).join("\n")}`);
}

/** What a job left in events.jsonl. */
export interface TinyOutcome {
  /** Of each step; the last one told counts. */
  readonly losses: readonly (number | null)[];
  /** Steps that its tries went on from. */
  readonly resumedAt: readonly number[];
  readonly worldSize: number | undefined;
  readonly nodes: number | undefined;
  readonly outcome: string | undefined;
}

/** Fetches and reads a job's events; its final student goes to `folder`/NAME-final. */
export async function fetchOutcome(launcher: Launcher, handle: JobHandle, folder: string): Promise<TinyOutcome> {
  const signal = new AbortController().signal;
  const path = join(folder, `${handle.name}-events.jsonl`);
  if (!(await launcher.fetch(handle, "events.jsonl", path, signal))) throw new Error("no events");
  const text = await nodeFileSystem().readText(path, 1 << 24);
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => TrainingEvent.parse(JSON.parse(line)));
  const losses: (number | null)[] = [];
  const resumedAt: number[] = [];
  let [worldSize, nodes, outcome]: [number | undefined, number | undefined, string | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  for (const event of events) {
    if (event.type === "step") losses[event.step - 1] = event.loss;
    if (event.type === "start") {
      resumedAt.push(event.resumedAt);
      worldSize = event.worldSize;
      nodes = event.nodes;
    }
    if (event.type === "end") outcome = event.outcome;
  }
  await launcher.fetch(handle, "final", join(folder, `${handle.name}-final`), signal);
  writeFileSync(join(folder, `${handle.name}-losses.json`), JSON.stringify(losses));
  return { losses, resumedAt, worldSize, nodes, outcome };
}
