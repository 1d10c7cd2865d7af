/**
 * @file Records of an evaluation folder: what was asked of which model, and one line for each sample. The log is append-only:
 * a sample is written once, when it is finished and graded; `rescore` writes its verdicts beside it and generates nothing.
 */
import { z } from "zod";
import { FinishReason, GradeOutcome, RejectedTries, SCHEMA_VERSION, ThinkingSetting } from "./records.ts";

const schemaVersion = z.literal(SCHEMA_VERSION).describe("version of this record's schema");
const id = z.string().regex(/^[0-9a-f]{16}$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** What a verifier says of one reply. */
export const Verdict = z.strictObject({
  outcome: GradeOutcome,
  extracted: z.string().nullable().describe("answer text found in the reply"),
  canonical: z.string().nullable().describe("its canonical form: equal for equal answers, so that a vote can count it"),
  rule: z.string().describe("extraction and comparison rules that fired"),
  explanation: z.string().describe("one sentence for a person: what was compared, or which test failed; may be empty"),
  flexible: z
    .strictObject({ outcome: GradeOutcome, extracted: z.string().nullable() })
    .nullable()
    .describe("what the more lenient of the two extractors says; null where a verifier has only one"),
});
export type Verdict = z.infer<typeof Verdict>;

/** Which sandbox ran generated code, as scores depend on it. */
export const SandboxFacts = z.strictObject({
  backend: z.string().describe("bubblewrap, container, pyodide or unsafe-local"),
  version: z.string(),
  isPartial: z.boolean().describe("true where the sandbox leaves something open, for example the network"),
});
export type SandboxFacts = z.infer<typeof SandboxFacts>;

/** The data that a task was loaded from. */
export const TaskFacts = z.strictObject({
  name: z.string(),
  version: z.string().describe("of prompt, field mapping and verifier together"),
  promptVersion: z.string(),
  profile: z.string().describe("grader profile, code, or the name of the user's own verifier"),
  source: z.string().describe("where the data came from: a file's name, or a data set and revision of the hub"),
  sha256: digest.describe("of the data as it was read"),
  questions: z.int().min(0).describe("questions evaluated, after any limit"),
});
export type TaskFacts = z.infer<typeof TaskFacts>;

/** The model that answered. */
export const ModelFacts = z.strictObject({
  kind: z.enum(["student", "chat", "completions"]).describe("embedded student, or an endpoint's API"),
  name: z.string(),
  digest: digest
    .nullable()
    .describe("hash of a student's weights, shape, tokenizer and chat template; null for an endpoint"),
});
export type ModelFacts = z.infer<typeof ModelFacts>;

/** evaluation.json: written first; a log only ever holds samples of what it names. */
export const EvaluationHeader = z.strictObject({
  schemaVersion,
  id: id.describe("hash of everything below but grappaVersion: the same evaluation has the same id"),
  task: TaskFacts,
  model: ModelFacts,
  settings: z.array(ThinkingSetting).min(1),
  samplesPerQuestion: z.int().min(1),
  seed: z.int().min(0),
  temperature: z.number().min(0),
  maxTokens: z
    .int()
    .min(1)
    .describe("cap on thinking and answer together, tokens; a setting with this budget thinks to its natural end"),
  answerTokens: z
    .int()
    .min(1)
    .nullable()
    .describe("a student's most tokens for an answer, kept free while it thinks; null for an endpoint"),
  graderVersion: z.string(),
  sandbox: SandboxFacts.nullable(),
  grappaVersion: z.string(),
});
export type EvaluationHeader = z.infer<typeof EvaluationHeader>;

/** origin.json: how the evaluation was begun, and where its data lay; no sample depends on it. */
export const EvaluationOrigin = z.strictObject({
  schemaVersion,
  command: z.string().describe("the command that goes on with it"),
  task: z.string().describe("the task as the command named it, without its number of samples"),
  data: z.string().nullable().describe("path of the data, seen from this folder, or a data set of the hub; null: none"),
});
export type EvaluationOrigin = z.infer<typeof EvaluationOrigin>;

/** A line of speed.jsonl: what one process measured while it asked. */
export const EvaluationSpeed = z.strictObject({
  schemaVersion,
  seconds: z.number().positive().describe("from the first request to the last sample graded, by the wall clock"),
  generatedTokens: z.int().min(1).describe("tokens that the model generated in them; what settings share counts once"),
});
export type EvaluationSpeed = z.infer<typeof EvaluationSpeed>;

/** A line of samples.jsonl: one sample of one question under one setting. */
export const EvaluationSample = z.strictObject({
  schemaVersion,
  questionId: id,
  cluster: z
    .string()
    .describe("questions of one cluster are not independent; the question's own id where it stands alone"),
  setting: ThinkingSetting,
  sampleIndex: z.int().min(0),
  promptHash: digest.describe("SHA-256 of the rendered prompt"),
  thinking: z.string(),
  answer: z.string(),
  promptTokens: z.int().min(0),
  thinkingTokens: z.int().min(0),
  completionTokens: z.int().min(0).describe("thinking and answer together"),
  finishReason: FinishReason.describe("length: the answer, or thinking without an answer, was cut"),
  isThinkingCut: z.boolean().describe("thinking reached its cap and an answer was forced"),
  costMicroUsd: z.int().min(0),
  answerLogprob: z
    .number()
    .optional()
    .describe("mean natural logarithm of the probability of the answer's tokens; absent where the runtime tells none"),
  rejection: RejectedTries.optional().describe("absent where nothing was rejected by length"),
  verdict: Verdict,
  graderVersion: z.string(),
  sandbox: SandboxFacts.nullable(),
});
export type EvaluationSample = z.infer<typeof EvaluationSample>;

/** A line of scores-N.jsonl: what `rescore` says of one sample; the sample itself stays as it was written. */
export const RescoredSample = EvaluationSample.pick({
  schemaVersion: true,
  questionId: true,
  setting: true,
  sampleIndex: true,
  verdict: true,
  graderVersion: true,
  sandbox: true,
});
export type RescoredSample = z.infer<typeof RescoredSample>;
