/**
 * @file Manifests and journals of a run folder. Stage and run manifests hold nothing that differs between two runs of the
 * same inputs on the same build: times, retries and machine facts are lines of `timings.jsonl`.
 */
import { z } from "zod";
import { Recipe } from "./recipe.ts";
import { FunnelStage, SCHEMA_VERSION } from "./records.ts";
import { STAGE_NAMES } from "./stage-names.ts";

const schemaVersion = z.literal(SCHEMA_VERSION).describe("version of this record's schema");
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256, 64 hex digits");
const key = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("16 hex digits: hash of everything the stage's output depends on");

export { STAGE_NAMES };
export const StageName = z.enum(STAGE_NAMES);
export type StageName = z.infer<typeof StageName>;

/** What outside the recipe and the earlier stages can change a stage's output. */
export const RunFact = z.enum(["baseWeights", "tokenizer", "chatTemplate", "kernelBuild", "questionFiles", "triage"]);
export type RunFact = z.infer<typeof RunFact>;

/** One file of a stage's output. */
export const OutputFile = z.strictObject({
  path: z.string().describe("relative to the stage's folder, with forward slashes"),
  bytes: z.int().min(0),
  sha256,
  rows: z.int().min(0).nullable().describe("lines of a .jsonl file, else null"),
});
export type OutputFile = z.infer<typeof OutputFile>;

/** Small numbers and words a stage has to say about its output; shown by status and the report. */
export const StageNotes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
export type StageNotes = z.infer<typeof StageNotes>;

/** Written last into a stage's folder: its existence means that the stage completed. */
export const StageManifest = z.strictObject({
  schemaVersion,
  stage: StageName,
  key,
  codeVersion: z.int().min(1).describe("raised when the stage's code gives other output for the same input"),
  config: z.json().describe("the part of the recipe that the stage depends on"),
  facts: z.partialRecord(RunFact, z.string()).describe("hashes and builds that the stage depends on"),
  inputs: z.partialRecord(StageName, sha256).describe("output hash of each stage that was read"),
  files: z.array(OutputFile).describe("ordered by path"),
  outputHash: sha256.describe("hash of the file list"),
  funnel: z.array(FunnelStage),
  notes: StageNotes,
});
export type StageManifest = z.infer<typeof StageManifest>;

/** Written first into a run's folder: says which grappa's files are found there. */
export const RunHeader = z.strictObject({
  schemaVersion,
  run: z.string(),
  createdBy: z.string().describe("grappa's version"),
  command: z.string().describe("the command that makes the same run"),
});
export type RunHeader = z.infer<typeof RunHeader>;

/** Terms of use that a user accepted, as they stood in grappa's table. */
export const AcceptedTerms = z.strictObject({
  provider: z.string().describe("the name given to --accept-terms"),
  mayTrain: z.enum(["yes", "no", "conditional", "unknown"]),
  clause: z.string().describe("what the terms say of training on outputs, in our words"),
  source: z.string().nullable(),
  textOf: z.string().nullable().describe("date of the text that was read, ISO 8601"),
});
export type AcceptedTerms = z.infer<typeof AcceptedTerms>;

/** Written last into the run's folder: its existence means that every stage completed. */
export const RunManifest = z.strictObject({
  schemaVersion,
  run: z.string().describe("name of the run's folder"),
  recipe: Recipe.describe("resolved: every default filled in"),
  seeds: z.record(z.string(), z.int()).describe("every seed of the run, by name"),
  tools: z.record(z.string(), z.string()).describe("versions of grappa and of what ran it"),
  facts: z.partialRecord(RunFact, z.string()),
  acceptedTerms: z.array(AcceptedTerms).optional().describe("absent where no teacher's terms had to be accepted"),
  stages: z.array(z.strictObject({ stage: StageName, key, outputHash: sha256 })),
});
export type RunManifest = z.infer<typeof RunManifest>;

/** How one try at a stage ended. */
export const AttemptOutcome = z.enum(["done", "failed", "interrupted"]);
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;

/** One line of `timings.jsonl`: one try at one stage, with what it took. Outside every hash. */
export const Timing = z.strictObject({
  schemaVersion,
  stage: StageName,
  key,
  outcome: AttemptOutcome,
  startedAt: z.string().describe("ISO 8601, UTC"),
  seconds: z.number().min(0),
  measures: StageNotes.describe("what may differ between equal runs: retries, waits for rate limits, tokens a second"),
  machine: StageNotes.describe("processor, cores, threads, memory, Node"),
});
export type Timing = z.infer<typeof Timing>;

/** One line of `events.jsonl`: the life of a run, for whoever looks on. Outside every hash. */
export const RunEventLine = z.strictObject({
  schemaVersion,
  at: z.string().describe("ISO 8601, UTC"),
  type: z.enum([
    "run-start",
    "stage-skip",
    "stage-start",
    "stage-progress",
    "stage-end",
    "stage-fail",
    "warning",
    "run-end",
  ]),
  stage: StageName.optional(),
  key: key.optional(),
  done: z.number().optional(),
  total: z.number().optional(),
  unit: z.string().optional(),
  note: z.string().optional(),
});
export type RunEventLine = z.infer<typeof RunEventLine>;
