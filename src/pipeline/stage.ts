/**
 * @file What a stage is. A stage reads the outputs of earlier stages and writes its own files into a folder named by
 * everything that the output depends on; equal name, equal bytes. It knows nothing of the folder beyond its context.
 */
import type { z } from "zod";
import { canonicalJson, shortHash } from "../core/hash.ts";
import type { RunFact, StageManifest, StageName, StageNotes } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { FunnelStage } from "../schema/records.ts";
import type { TriageVerdict } from "../schema/triage.ts";
import type { RunAccounts } from "./run-accounts.ts";

/** How far a stage is. `total` may grow while it runs. */
export interface StageProgress {
  readonly done: number;
  readonly total: number;
  /** What is counted, in the plural: "questions", "steps". */
  readonly unit: string;
  /** A few words on the side, for example "loss 0.412". */
  readonly note?: string;
}

/** The finished output of an earlier stage. */
export interface StageInput {
  readonly manifest: StageManifest;
  /** Path of one of its files or folders, on this platform. */
  path(file: string): string;
  /** All rows of a .jsonl file, each checked against its schema. Throws "record-invalid" or "schema-version" with file and line. */
  readRows<T>(file: string, schema: z.ZodType<T>): Promise<T[]>;
  /** The same, row by row, for files larger than memory. */
  streamRows<T>(file: string, schema: z.ZodType<T>): AsyncIterable<T>;
  readJson<T>(file: string, schema: z.ZodType<T>): Promise<T>;
}

/** A .jsonl file under way; it appears under its name when it is closed. */
export interface RowWriter {
  write(row: unknown): Promise<void>;
  close(): Promise<void>;
  /** Throws away what was written. */
  abandon(): Promise<void>;
}

/** Where a stage puts its output. Files appear under their names when they are whole. */
export interface StageOutput {
  /** Path for a file or folder that other code writes; everything found there at the end belongs to the output. */
  path(file: string): string;
  writeRows(file: string, rows: Iterable<unknown> | AsyncIterable<unknown>): Promise<void>;
  /** Opens a .jsonl file to be written row by row, beside others; whoever opens it closes or abandons it. */
  openRows(file: string): Promise<RowWriter>;
  writeJson(file: string, value: unknown): Promise<void>;
  writeBytes(file: string, bytes: Uint8Array): Promise<void>;
}

/** All that a stage may touch while it runs. */
export interface StageContext {
  readonly recipe: Recipe;
  /** 16 hex digits that name everything this output depends on. */
  readonly key: string;
  /** Folder of the recipe's base student. */
  readonly baseFolder: string;
  /** Folder that the recipe's files are seen from. */
  readonly recipeFolder: string;
  /** Aborts when the user wants to stop; the stage then leaves its work folder resumable and throws `signal.reason`. */
  readonly signal: AbortSignal;
  readonly output: StageOutput;
  /** Scratch space of this stage at this key (checkpoints); kept until the stage completes, then removed. */
  readonly workFolder: string;
  /** Shared by all keys and never removed: the journal of what was paid for. */
  readonly journalFolder: string;
  /** The run's cap and journal, opened when a stage first asks; the pipeline closes them. */
  accounts(): Promise<RunAccounts>;
  /** Ask again for what was refused for good before. */
  readonly retryFailed: boolean;
  input(stage: StageName): StageInput;
  /** What somebody decided who read the traces, as the key says; empty for a stage that does not heed it. */
  readonly verdicts: readonly TriageVerdict[];
  progress(progress: StageProgress): void;
  /** Something the user should know and that stops nothing. */
  warn(message: string): void;
  /** A number that may differ between equal runs (retries, tokens a second): goes to `timings.jsonl`, not into the hash. */
  measure(name: string, value: number | string | boolean): void;
}

/** What a stage leaves in its manifest beside the list of files. */
export interface StageSummary {
  readonly funnel?: readonly FunnelStage[];
  readonly notes?: StageNotes;
  /** What came out, in a few words, where the funnel does not say it; shown once, kept nowhere. */
  readonly outcome?: string;
}

/** One stage of the pipeline. */
export interface Stage {
  readonly name: StageName;
  /** Stages whose outputs it reads; they may depend on the recipe. */
  readonly inputs: readonly StageName[] | ((recipe: Recipe) => readonly StageName[]);
  /** What outside the recipe changes its output; it may depend on the recipe. */
  readonly facts: readonly RunFact[] | ((recipe: Recipe) => readonly RunFact[]);
  /** Decisions of somebody who read the traces change its output: where there are any, its key holds them. */
  readonly heedsTriage?: true;
  /** Raised when the code gives other output for the same input. */
  readonly codeVersion: number;
  /** The part of the recipe that its output depends on; plain JSON. Nothing else of the recipe may be read by `run`. */
  config(recipe: Recipe): unknown;
  /** What it will do, in a few words with the numbers: pure, for `--plan`. */
  plan(recipe: Recipe): string;
  /** Throws an AppError for what would stop it and can be known before anything runs, such as a key that is not set. */
  check?(recipe: Recipe): Promise<void>;
  run(context: StageContext): Promise<StageSummary>;
}

/** What a stage's output depends on, and the 16-digit name that follows from it. */
export interface StageIdentity {
  readonly key: string;
  readonly config: StageManifest["config"];
  readonly facts: StageManifest["facts"];
  readonly inputs: StageManifest["inputs"];
}

/** Stages that a stage reads under a recipe. */
export function inputsOf({ inputs }: Pick<Stage, "inputs">, recipe: Recipe): readonly StageName[] {
  return typeof inputs === "function" ? inputs(recipe) : inputs;
}

/**
 * The identity of a stage's output in one run.
 *
 * @param inputs output hash of each input stage; must hold every stage that it reads.
 */
export function identifyStage(
  stage: Stage,
  recipe: Recipe,
  known: Pick<StageIdentity, "facts" | "inputs">,
): StageIdentity {
  const config = JSON.parse(canonicalJson(stage.config(recipe))) as StageManifest["config"];
  const wanted = typeof stage.facts === "function" ? stage.facts(recipe) : stage.facts;
  const { triage } = known.facts;
  const facts = {
    ...Object.fromEntries(wanted.map((fact) => [fact, known.facts[fact] ?? "unknown"])),
    ...(stage.heedsTriage === true && triage !== undefined ? { triage } : {}),
  };
  const inputs = Object.fromEntries(inputsOf(stage, recipe).map((input) => [input, known.inputs[input] ?? ""]));
  const key = shortHash(canonicalJson({ stage: stage.name, codeVersion: stage.codeVersion, config, facts, inputs }));
  return { key, config, facts, inputs };
}
