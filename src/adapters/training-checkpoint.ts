import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensors } from "../student/checkpoint/safetensors.ts";
import type { OptimizerState } from "../student/trainer.ts";
import { nodeFileSystem } from "./file-system.ts";

/** A training run at a step: enough to go on and end with the very bytes of an undisturbed run. */
export interface TrainingCheckpoint {
  readonly step: number;
  readonly tensors: NamedTensors;
  readonly optimizer: OptimizerState;
  /** Counters of the caller, for example the next document to read. */
  readonly counters: Readonly<Record<string, number>>;
}

const Pointer = z.strictObject({
  schemaVersion: z.literal(1),
  fingerprint: z.string().describe("hash of everything that the run depends on; another one starts afresh"),
  step: z.int().min(0),
  file: z.string().regex(/^step-\d+\.safetensors$/),
  sha256: z.string(),
  counters: z.record(z.string(), z.number()),
});

const POINTER_FILE = "checkpoint.json";

/** Writes a checkpoint into `folder` and removes older ones. The pointer goes last, so a kill leaves the one before. */
export async function writeTrainingCheckpoint(
  folder: string,
  fingerprint: string,
  checkpoint: TrainingCheckpoint,
): Promise<void> {
  const files = nodeFileSystem();
  const bytes = encodeSafetensors(joined(checkpoint));
  const file = `step-${checkpoint.step}.safetensors`;
  await files.writeAtomic(join(folder, file), bytes);
  const pointer = {
    schemaVersion: 1,
    fingerprint,
    step: checkpoint.step,
    file,
    sha256: sha256Hex(bytes),
    counters: checkpoint.counters,
  };
  await files.writeAtomic(join(folder, POINTER_FILE), `${JSON.stringify(pointer)}\n`);
  for (const name of await files.names(folder))
    if (name !== file && name !== POINTER_FILE) await files.remove(join(folder, name));
}

/**
 * The last checkpoint of a run with this fingerprint, or undefined when there is none.
 * Throws `checkpoint-corrupt` when there is one that cannot be trusted: losing hours silently is worse than asking.
 */
export async function readTrainingCheckpoint(
  folder: string,
  fingerprint: string,
): Promise<TrainingCheckpoint | undefined> {
  const text = await readFile(join(folder, POINTER_FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const corrupt = (what: string, cause?: unknown): AppError =>
    new AppError("checkpoint-corrupt", `${join(folder, POINTER_FILE)}: ${what}`, {
      cause,
      hint: `delete ${folder} to train this stage from its start`,
    });
  const pointer = Pointer.safeParse(parseJson(text));
  if (!pointer.success) throw corrupt("not a checkpoint of this version", pointer.error);
  if (pointer.data.fingerprint !== fingerprint) return undefined;
  const bytes = await readFile(join(folder, pointer.data.file)).catch((error: unknown) => {
    throw corrupt(`${pointer.data.file} cannot be read`, error);
  });
  if (sha256Hex(bytes) !== pointer.data.sha256) throw corrupt(`${pointer.data.file} does not have the recorded hash`);
  return { ...split(decodeSafetensors(bytes)), step: pointer.data.step, counters: pointer.data.counters };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // reported as a corrupt pointer by the schema
  }
}

function joined({ tensors, optimizer }: TrainingCheckpoint): NamedTensors {
  const all: NamedTensors = new Map([...tensors].map(([name, tensor]) => [`weights/${name}`, tensor]));
  optimizer.firstMoments.forEach((data, i) => all.set(`first/${i}`, { shape: [data.length], data }));
  optimizer.secondMoments.forEach((data, i) => all.set(`second/${i}`, { shape: [data.length], data }));
  return all;
}

function split(all: NamedTensors): Pick<TrainingCheckpoint, "tensors" | "optimizer"> {
  const tensors: NamedTensors = new Map();
  const firstMoments: Float32Array[] = [];
  const secondMoments: Float32Array[] = [];
  for (const [name, tensor] of all) {
    const slash = name.indexOf("/");
    const [kind, rest] = [name.slice(0, slash), name.slice(slash + 1)];
    if (kind === "weights") tensors.set(rest, tensor);
    else (kind === "first" ? firstMoments : secondMoments)[Number(rest)] = tensor.data;
  }
  return { tensors, optimizer: { firstMoments, secondMoments } };
}
