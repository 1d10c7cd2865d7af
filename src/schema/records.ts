/**
 * @file Every record that Grappa writes to disk, with its version. A reader refuses a version it does not know, by name.
 * Times, retries and machine facts never stand in a record: they would change its hash (they go to `timings.jsonl`).
 */
import { z } from "zod";
import { SCHEMA_VERSION } from "./schema-version.ts";

export { SCHEMA_VERSION } from "./schema-version.ts";

const schemaVersion = z.literal(SCHEMA_VERSION).describe("version of this record's schema");
const id = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("16 hex digits: a hash of the record's identity");

/** Which use a question may be put to; a property of the question's text, never of a seed. */
export const Bucket = z.enum(["pretrain", "train", "tune", "test"]);
export type Bucket = z.infer<typeof Bucket>;

export const Question = z.strictObject({
  schemaVersion,
  id,
  text: z.string().max(65_536).describe("what the student reads, verbatim"),
  answer: z.string().nullable().describe("reference answer; null where only a verifier can tell"),
  family: z.string().describe("generator or source that made it"),
  domain: z.string().describe("subject used for diversity, for example arithmetic/3-steps"),
  difficulty: z.number().describe("the family's own knob, larger is harder"),
  bucket: Bucket,
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});
export type Question = z.infer<typeof Question>;

/**
 * Outcome of a grader; closed, so that "wrong" is never confused with "could not tell". `timeout`: generated code ran too
 * long, which is wrong. `gold_error` and `unscored` (the sandbox or the judge failed) say nothing of the model.
 */
export const GradeOutcome = z.enum([
  "correct",
  "incorrect",
  "no_answer",
  "answer_parse_error",
  "answer_limit",
  "timeout",
  "gold_error",
  "unscored",
]);
export type GradeOutcome = z.infer<typeof GradeOutcome>;

export const Grade = z.strictObject({
  outcome: GradeOutcome,
  extracted: z.string().nullable().describe("answer text found in the reply"),
  rule: z.string().describe("extraction and comparison rule that fired"),
});
export type Grade = z.infer<typeof Grade>;

export const Attempt = z.strictObject({
  schemaVersion,
  questionId: id,
  model: z.string().describe("reference student, by name and weight hash"),
  mode: z.enum(["direct", "think"]),
  sampleIndex: z.int().min(0),
  text: z.string(),
  thinkingTokens: z.int().min(0),
  grade: Grade,
});
export type Attempt = z.infer<typeof Attempt>;

/** Where a trace's thinking comes from; carried into every row and the data card. `hidden`: none came back. */
export const Provenance = z.enum(["raw", "summary", "prompted", "reconstructed", "hidden"]);
export type Provenance = z.infer<typeof Provenance>;

export const FinishReason = z.enum(["stop", "length", "content_filter", "other"]);
export type FinishReason = z.infer<typeof FinishReason>;

export const Usage = z.strictObject({
  promptTokens: z.int().min(0),
  completionTokens: z.int().min(0).describe("thinking and answer together, as billed"),
  reasoningTokens: z.int().min(0),
  isEstimated: z.boolean().describe("true when the provider reported none and we counted"),
});
export type Usage = z.infer<typeof Usage>;

export const Trace = z.strictObject({
  schemaVersion,
  id: id.describe("hash of provider, model, rendered messages, parameters and sample index"),
  questionId: id,
  provider: z.string(),
  model: z.string(),
  sampleIndex: z.int().min(0),
  thinking: z.string(),
  answer: z.string(),
  provenance: Provenance,
  finishReason: FinishReason,
  usage: Usage,
  costMicroUsd: z.int().min(0).describe("millionths of a dollar"),
});
export type Trace = z.infer<typeof Trace>;

/** A question whose trace could not be had; the funnel counts it with its reason. */
export const TraceFailure = z.strictObject({
  schemaVersion,
  questionId: id,
  sampleIndex: z.int().min(0),
  reason: z.string().describe("closed set of the client: provider-permanent, malformed-reply, retries-exhausted, ..."),
  detail: z.string(),
});
export type TraceFailure = z.infer<typeof TraceFailure>;

export const GradedTrace = z.strictObject({ schemaVersion, traceId: id, questionId: id, grade: Grade });
export type GradedTrace = z.infer<typeof GradedTrace>;

/** The subject of a question where a model told it. */
export const QuestionDomain = z.strictObject({
  schemaVersion,
  questionId: id,
  domain: z.string().describe("an MSC class, such as `11 Number theory`, or `unclassified`"),
  rule: z.string().describe("who told, by which prompt; ends with /none where nothing could be read"),
});
export type QuestionDomain = z.infer<typeof QuestionDomain>;

/** How long a trace's thinking is to the student that may learn from it. */
export const TraceLength = z.strictObject({
  schemaVersion,
  traceId: id,
  thinkingTokens: z
    .int()
    .min(0)
    .describe("in the student's tokens, without delimiters; as its teacher counted for a hosted student"),
});
export type TraceLength = z.infer<typeof TraceLength>;

/** Why a row left the funnel: one line a row, at any stage. */
export const Dropped = z.strictObject({
  schemaVersion,
  id: id.describe("question or trace"),
  stage: z.string(),
  reason: z.string().describe("short and countable, for example solved-by-base"),
  detail: z.string().default(""),
});
export type Dropped = z.infer<typeof Dropped>;

/** What reading one source came to; `rows` is the sum of what became of them. One line a data set in `sources.jsonl`. */
export const SourceReading = z.strictObject({
  schemaVersion,
  name: z.string().describe("what the source is called, in each of its questions' metadata as sourceName"),
  licence: z.string().nullable().describe("as the recipe notes it; null where it does not"),
  data: z
    .array(
      z.strictObject({
        source: z.string().describe("a file's name, or the data set with its commit"),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .describe("what was read"),
  rows: z.int().min(0),
  filtered: z.int().min(0).describe("rows that a condition of the recipe left out"),
  repeated: z.int().min(0).describe("rows with the same text in the field of uniqueBy as one before"),
  bad: z.int().min(0).describe("rows that are no question: dropped.jsonl lists them"),
  heldOut: z.int().min(0).describe("questions kept from training"),
  notSampled: z.int().min(0).describe("questions that the sample did not draw"),
  overCount: z.int().min(0).describe("questions above the source's count"),
  questions: z.int().min(0).describe("questions that went on"),
});
export type SourceReading = z.infer<typeof SourceReading>;

export const Selection = z.strictObject({
  schemaVersion,
  rank: z.int().min(0).describe("order of selection"),
  questionId: id,
  traceId: id,
  domain: z.string(),
  thinkingTokens: z.int().min(0),
  reason: z.enum(["seed", "uniform-domain", "benchmark-domain", "random", "longest", "all", "by-hand"]),
});
export type Selection = z.infer<typeof Selection>;

export const Example = z.strictObject({
  schemaVersion,
  questionId: id,
  traceId: id,
  inputIds: z.array(z.int().min(0)),
  labels: z.array(z.int().min(-100)).describe("-100 where no loss is taken; same length as inputIds"),
  thinkingTokens: z.int().min(0),
});
export type Example = z.infer<typeof Example>;

/** The order in which an epoch takes the examples: one line of `order.jsonl`. */
export const EpochOrder = z.strictObject({
  schemaVersion,
  epoch: z.int().min(0),
  examples: z.array(z.int().min(0)).describe("places in examples.jsonl, from 0, each once"),
});
export type EpochOrder = z.infer<typeof EpochOrder>;

/** How one evaluation run thinks: the sweep's axis. */
export const ThinkingSetting = z.strictObject({
  mode: z.enum(["direct", "think"]),
  budgetTokens: z.int().min(0).describe("hard cap on thinking tokens; the context's cap for a natural end"),
  waits: z.int().min(0).describe("ends of thinking swallowed and replaced by the wait text"),
  silent: z
    .literal(true)
    .optional()
    .describe(
      "nothing is put in the place of a swallowed end, and the model may not write the wait text there; absent: the wait text is put there",
    ),
  temperature: z.number().positive().optional().describe("replies are sampled at this temperature; absent: greedy"),
  maxTries: z
    .int()
    .min(1)
    .optional()
    .describe(
      "rejection sampling: sampled anew, at most so many times, until thinking ends by itself within budgetTokens; absent: cut there",
    ),
});
export type ThinkingSetting = z.infer<typeof ThinkingSetting>;

/** What rejection sampling threw away before it kept a reply, or gave up. */
export const RejectedTries = z.strictObject({
  tries: z.int().min(1).describe("samples begun, the kept one included"),
  thrownAwayTokens: z.int().min(0).describe("thinking tokens of the samples that were too long; spent like all others"),
  isGivenUp: z.boolean().describe("no sample was short enough: there is no reply, and that counts as no answer"),
});
export type RejectedTries = z.infer<typeof RejectedTries>;

export const Completion = z.strictObject({
  schemaVersion,
  questionId: id,
  model: z.enum(["base", "student"]),
  setting: ThinkingSetting,
  sampleIndex: z.int().min(0),
  thinking: z.string(),
  answer: z.string(),
  thinkingTokens: z.int().min(0).describe("ids between the delimiters, injected text included"),
  answerTokens: z.int().min(0),
  end: z.enum(["natural", "cut", "direct"]).describe("how thinking ended"),
  answerFinish: z.enum(["stop", "length"]),
  rejection: RejectedTries.optional().describe("absent where nothing was rejected by length"),
  grade: Grade,
});
export type Completion = z.infer<typeof Completion>;

export const Interval = z.tuple([z.number(), z.number()]).describe("95 % interval, low and high");
export type Interval = z.infer<typeof Interval>;

/** Accuracy of one model at one setting. */
export const Score = z.strictObject({
  schemaVersion,
  model: z.enum(["base", "student"]),
  setting: ThinkingSetting,
  family: z.string().describe("'all' or one question family"),
  n: z.int().min(0),
  correct: z.int().min(0),
  accuracy: z.number().nullable().describe("0 to 1; null when n is 0"),
  interval: Interval.nullable(),
  thinkingTokens: z.number().describe("mean, what rejection sampling threw away included"),
  cutShare: z.number().describe("share of rows whose thinking was cut"),
  noAnswerShare: z.number(),
});
export type Score = z.infer<typeof Score>;

/** One optimizer step of training. */
export const TrainStep = z.strictObject({
  schemaVersion,
  step: z.int().min(1),
  epoch: z.number(),
  loss: z.number().describe("mean over trained tokens, nats"),
  gradientNorm: z.number().describe("before clipping"),
  learningRate: z.number(),
  tokens: z.int().min(0),
});
export type TrainStep = z.infer<typeof TrainStep>;

/** Kept and dropped rows of one stage, with the reasons; `in = kept + dropped` always. */
export const FunnelStage = z.strictObject({
  stage: z.string(),
  in: z.int().min(0),
  kept: z.int().min(0),
  dropped: z.int().min(0),
  reasons: z.record(z.string(), z.int().min(0)),
  note: z.string().optional().describe("what the stage could not do, for example benchmarks that it did not check"),
});
export type FunnelStage = z.infer<typeof FunnelStage>;
