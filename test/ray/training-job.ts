/** @file A training job for launchers that run the real trainer: a tiny student, 64 rows of unlike length, our order. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobSpec } from "../../src/adapters/launchers/launcher.ts";
import { prng } from "../../src/core/prng.ts";
import { SCHEMA_VERSION } from "../../src/schema/schema-version.ts";
import { TrainingEvent, type TrainingJob } from "../../src/schema/training-job.ts";
import { writeTinyStudent } from "../tiny-student.ts";

const ROWS = 64;
const BATCH = 16;
const IDS = 256;
const python = fileURLToPath(new URL("../../python/", import.meta.url));

export interface TinyJob {
  readonly name: string;
  readonly epochs: number;
  readonly checkpointEverySteps: number;
}

/** Writes the job's folder and gives its spec. */
export async function tinyTraining(folder: string, { name, epochs, checkpointEverySteps }: TinyJob): Promise<JobSpec> {
  mkdirSync(folder, { recursive: true });
  await writeTinyStudent(join(folder, "base"));
  const random = prng("rows of the Ray tier");
  const integer = (below: number): number => Math.floor(random.next() * below);
  const head = {
    schemaVersion: SCHEMA_VERSION,
    questionId: "0".repeat(16),
    traceId: "0".repeat(16),
    thinkingTokens: 0,
  };
  const examples = Array.from({ length: ROWS }, () => {
    const inputIds = Array.from({ length: 6 + integer(40) }, () => integer(IDS));
    return { ...head, inputIds, labels: inputIds.map((id, at) => (at < 2 ? -100 : id)) };
  });
  const order = Array.from({ length: epochs }, (_, epoch) => {
    const places = examples.map((_, at) => ({ at, key: random.next() })).sort((a, b) => a.key - b.key);
    return { schemaVersion: SCHEMA_VERSION, epoch, examples: places.map(({ at }) => at) };
  });
  const jsonLines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  writeFileSync(join(folder, "examples.jsonl"), jsonLines(examples));
  writeFileSync(join(folder, "order.jsonl"), jsonLines(order));
  writeFileSync(join(folder, "config.json"), JSON.stringify(configOf(name, epochs, checkpointEverySteps)));
  const data = ["config.json", "examples.jsonl", "order.jsonl", "base"];
  return {
    name,
    files: [
      { path: "train.py", from: join(python, "train.py") },
      { path: "grappa_torch", from: join(python, "grappa_torch") },
      ...data.map((path) => ({ path, from: join(folder, path) })),
    ],
    program: "train.py",
    args: ["config.json"],
    isDistributed: true,
    requirements: "",
    environment: { HF_HUB_OFFLINE: "1", PYTHONDONTWRITEBYTECODE: "1" },
    timeoutSeconds: null,
  };
}

function configOf(name: string, epochs: number, checkpointEverySteps: number): TrainingJob {
  const totalSteps = (ROWS / BATCH) * epochs;
  return {
    schemaVersion: SCHEMA_VERSION,
    name,
    model: "base",
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
    totalSteps,
    warmupSteps: Math.ceil(totalSteps / 20),
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
    gradientCheckpointing: true,
    packing: false,
    sharding: "auto",
    device: "cpu",
    checkpointEverySteps,
    checkpointsKept: 2,
    seed: 0,
    stopAfterSeconds: null,
  };
}

/** The events of a job so far; a line that is still being written is left out. */
export function eventsOf(text: string): TrainingEvent[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => TrainingEvent.parse(JSON.parse(line)));
}

/** Loss and gradient norm of each step; the last told counts. */
export function stepsOf(events: readonly TrainingEvent[]): [step: number, loss: number | null, norm: number | null][] {
  const steps = new Map<number, [number, number | null, number | null]>();
  for (const event of events)
    if (event.type === "step") steps.set(event.step, [event.step, event.loss, event.gradientNorm]);
  return [...steps.values()].sort((a, b) => a[0] - b[0]);
}
