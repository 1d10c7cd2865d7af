/** @file Puts the student that a run trained into its report, where it fits, with its base beside it where that fits too. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { type ModelFolder, readModelFolder } from "../adapters/model-folder.ts";
import { readJsonl } from "../adapters/store/jsonl.ts";
import { compiledUrl } from "../adapters/threads/compiled-url.ts";
import { AppError } from "../core/errors.ts";
import {
  type AbsentStudent,
  type CarriedStudent,
  type LivePayload,
  type LiveQuestion,
  type LiveStudent,
  MAX_PAGE_BYTES,
} from "../report/live-student.ts";
import type { RunResults } from "../report/run-results.ts";
import type { RunManifest, StageName } from "../schema/manifest.ts";
import { Question } from "../schema/records.ts";
import { widenTensors } from "../student/checkpoint/bf16.ts";
import type { StoredTensors } from "../student/checkpoint/safetensors.ts";
import { describeBase } from "./base-fact.ts";
import { findBase } from "./load-recipe.ts";
import { stageFolder } from "./stage-folder.ts";

/** Held-out questions of each family to pick from, beside those that the report shows. */
const QUESTIONS_PER_FAMILY = 12;
const MAX_SCRIPT_BYTES = 4 << 20;
const MAX_KERNEL_BYTES = 1 << 20;

/** A finished run, as far as carrying its student needs it. */
export interface CarriedRun {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly manifest: RunManifest;
  readonly results: Pick<RunResults, "examples">;
}

/**
 * What the page may carry, best first: student and base, the student alone, nothing. The caller takes the first with which
 * the page stays within {@link MAX_PAGE_BYTES}. Never throws for want of a file: a report without its student is still one.
 */
export async function studentsToCarry(run: CarriedRun): Promise<readonly [LiveStudent, ...LiveStudent[]]> {
  if (run.manifest.recipe.student.hosted)
    return [{ status: "absent", reason: "The student is not in this page: its provider trained it, and serves it." }];
  try {
    const size = await weightBytes(run);
    const tooLarge = absent(
      `The student is not in this page: its weights (${megabytes(size)}) do not fit into the ${megabytes(MAX_PAGE_BYTES)} that a page may have.`,
    );
    if ((size * 4) / 3 > MAX_PAGE_BYTES) return [tooLarge];
    const student = await readModelFolder(studentFolder(run));
    const carried = await carry(run, student);
    const base = await readBase(run, student);
    const pair = base && { ...carried, blocks: { ...carried.blocks, base: weightsBlock(base.tensors) } };
    return pair ? [pair, carried, tooLarge] : [carried, tooLarge];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [absent("The student is not in this page: the run's folder no longer holds all of it.")];
  }
}

function absent(reason: string): AbsentStudent {
  return { status: "absent", reason: `${reason} The command grappa chat talks to it.` };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function folderOf({ folder, manifest }: CarriedRun, name: StageName): string {
  const stage = manifest.stages.find((each) => each.stage === name);
  if (!stage) throw new AppError("file-missing", `${folder}: the run has no stage ${name}`);
  return stageFolder(folder, name, stage.key);
}

function studentFolder(run: CarriedRun): string {
  return joinPath(folderOf(run, "train"), "student");
}

/** Looked up before anything is read: a student of gigabytes must not be loaded to find that it is too large. */
async function weightBytes(run: CarriedRun): Promise<number> {
  const files = await run.fs.list(studentFolder(run));
  const weights = files.find(({ path }) => path === "model.safetensors");
  if (!weights) throw new AppError("file-missing", `${studentFolder(run)}: no weights`);
  return weights.bytes;
}

async function carry(run: CarriedRun, student: ModelFolder): Promise<CarriedStudent> {
  const { config, tensors, tokenizerParts, templateSource } = student;
  const { evaluate } = run.manifest.recipe;
  const payload: LivePayload = {
    config,
    tensors: [...tensors].map(([name, { shape }]) => ({ name, shape })),
    tokenizer: {
      ...tokenizerParts,
      vocabulary: [...tokenizerParts.vocabulary],
      added: [...tokenizerParts.added],
    },
    chatTemplate: templateSource,
    style: student.style,
    answerTokens: evaluate.answerTokens,
    questions: await questionsToPick(run),
    heldOut: { bucket: evaluate.bucket, difficulty: evaluate.difficulty },
  };
  const script = await run.fs.readText(filePath("../live/bundle.js"), MAX_SCRIPT_BYTES);
  const kernels = await readBytes(run.fs, filePath("../engine/kernels/wasm/kernels-page.wasm"));
  return { status: "carried", payload, blocks: { kernels, student: weightsBlock(tensors) }, script };
}

function filePath(relative: string): string {
  return fileURLToPath(compiledUrl(import.meta.url, relative));
}

async function readBytes(fs: FileSystem, path: string): Promise<string> {
  return Buffer.from(await fs.readBytes(path, MAX_KERNEL_BYTES)).toString("base64");
}

/** The questions of the report's examples first, then the first few of each family in the order of the evaluation. */
async function questionsToPick(run: CarriedRun): Promise<LiveQuestion[]> {
  const shown = run.results.examples.map(({ question }) => question.text);
  const others: string[] = [];
  const counts = new Map<string, number>();
  for await (const { text, family } of readJsonl(joinPath(folderOf(run, "evaluate"), "questions.jsonl"), Question)) {
    const taken = counts.get(family) ?? 0;
    if (taken >= QUESTIONS_PER_FAMILY || shown.includes(text)) continue;
    counts.set(family, taken + 1);
    others.push(text);
  }
  return [...shown.map((text) => ({ text, isShown: true })), ...others.map((text) => ({ text, isShown: false }))];
}

/** The run's base, if it is still where the recipe says, is still the same, and is built like the student. */
async function readBase({ fs, folder, manifest }: CarriedRun, student: ModelFolder): Promise<ModelFolder | undefined> {
  const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  try {
    const { baseFolder } = await findBase(manifest.recipe.student.base, folder, { fs, packageFolder });
    const base = await readModelFolder(baseFolder);
    const isSame = describeBase(base) === manifest.facts.baseWeights && base.tokenizerHash === student.tokenizerHash;
    return isSame && shapesOf(base) === shapesOf(student) ? base : undefined;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function shapesOf({ config, tensors }: ModelFolder): string {
  return JSON.stringify([config, [...tensors].map(([name, { shape }]) => [name, shape])]);
}

/** Tensors one after another as little-endian f32 (the order of every machine that Node has builds for), in base64. */
function weightsBlock(tensors: StoredTensors): string {
  const parts = [...widenTensors(tensors).values()].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  );
  return Buffer.concat(parts).toString("base64");
}
