/** @file What an evaluation found, and how two evaluations compare: the JSON of `evaluate`, `rescore` and `compare`. */
import { z } from "zod";
import { TaskFacts, ModelFacts } from "./evaluation.ts";
import { Interval, SCHEMA_VERSION, ThinkingSetting } from "./records.ts";

const schemaVersion = z.literal(SCHEMA_VERSION).describe("version of this record's schema");
const count = z.int().min(0);
const share = z.number().min(0).max(1);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** How an interval was made; docs/evaluation-statistics.md says which is used when. */
export const IntervalMethod = z.enum(["wilson", "wilson-effective-n", "tango-score", "clustered-t"]);
export type IntervalMethod = z.infer<typeof IntervalMethod>;

/** A share of right answers, mean over questions, with its own n and interval. */
export const ShareEstimate = z.strictObject({
  questions: count.describe("questions that the mean is over"),
  clusters: count.describe("independent groups of these questions"),
  samples: count,
  value: share.nullable().describe("mean over questions of the share of right samples; null without questions"),
  interval: Interval.nullable(),
  method: IntervalMethod.nullable(),
});
export type ShareEstimate = z.infer<typeof ShareEstimate>;

/** What k samples of a question would give: means over the questions that have as many. */
export const AtK = z.strictObject({
  k: z.int().min(1),
  questions: count.describe("questions with at least k scored samples"),
  pass: ShareEstimate.describe("pass@k, the same quantity as cov@k: at least one of k is right (unbiased)"),
  passAll: share.describe("pass^k: all of k are right (unbiased)"),
  majority: ShareEstimate.describe("maj@k: the most frequent answer class of k is right; a tie is drawn"),
});
export type AtK = z.infer<typeof AtK>;

/** Shares of scored samples, without an interval: what stands behind "wrong". Null where nothing was scored. */
export const FailureRates = z.strictObject({
  truncated: share.nullable().describe("the answer, or thinking without an answer, was cut by the token limit"),
  thinkingCut: share.nullable().describe("thinking reached its cap and an answer was forced"),
  noAnswer: share.nullable(),
  parseFailure: share.nullable().describe("an answer was found but could not be parsed"),
  limit: share.nullable().describe("the answer exceeded the grader's limits"),
  timeout: share.nullable().describe("generated code ran too long"),
});
export type FailureRates = z.infer<typeof FailureRates>;

/** What rejection sampling kept, and what that took. */
export const RejectionFigures = z.strictObject({
  kept: ShareEstimate.describe(
    "share of samples, mean over questions, for which a try was short enough; the rest was given up",
  ),
  givenUp: count.describe("samples that were given up: no answer, and wrong"),
  tries: z.number().describe("mean, the kept one included"),
  thrownAwayTokens: z.number().describe("mean a question, of the samples that were too long"),
});
export type RejectionFigures = z.infer<typeof RejectionFigures>;

/** Everything about one thinking setting. */
export const SettingSummary = z.strictObject({
  setting: ThinkingSetting,
  accuracy: ShareEstimate,
  completed: ShareEstimate.describe("accuracy among samples that ended by themselves and gave an answer"),
  unscored: count.describe("samples that sandbox or judge could not grade; excluded everywhere"),
  goldErrors: count.describe("samples of questions whose reference is broken; excluded everywhere"),
  rates: FailureRates,
  extractorDisagreement: share.nullable().describe("share of samples on which the two extractors' verdicts differ"),
  extractorPairs: count.describe("samples that were graded with both extractors"),
  atK: z.array(AtK).describe("k = 1, 2, 4, ... up to the samples of the question that has most"),
  thinkingTokens: z
    .strictObject({ mean: z.number(), median: z.number(), p90: z.number() })
    .nullable()
    .describe("over all samples, scored or not, but those that rejection sampling gave up; null without samples"),
  rejection: RejectionFigures.nullable().describe("null where nothing was rejected by length"),
  costMicroUsd: count.describe("of all samples, millionths of a dollar"),
});
export type SettingSummary = z.infer<typeof SettingSummary>;

/** s1's three numbers over a sweep of thinking budgets, intervals by bootstrap over clusters of questions. */
export const SweepSummary = z.strictObject({
  settings: count,
  questions: count.describe("questions that every setting answered"),
  control: share.describe("share of settings whose mean thinking stays within its cap"),
  controlInterval: Interval.nullable(),
  pointsPerDoubling: z.number().describe("Scaling: percentage points per doubling of mean thinking tokens"),
  scalingInterval: Interval.nullable(),
  performance: share.describe("highest accuracy of the sweep; being a maximum, it flatters"),
  performanceInterval: Interval.nullable(),
});
export type SweepSummary = z.infer<typeof SweepSummary>;

/** A way to spend tokens on a question, with what it spends and what it gives. */
export const MethodRow = z.strictObject({
  kind: z
    .enum(["direct", "cap", "natural", "wait", "silent", "rejection", "vote", "likeliest", "shortest", "oracle"])
    .describe(
      "one reply under the setting; or of several samples the most frequent answer, the answer of the highest mean log-probability, the shortest thinking, or any right one (pass@k: a bound, since nobody knows which)",
    ),
  setting: ThinkingSetting.describe("what the samples are of"),
  samples: z.int().min(1).describe("samples of a question that are decoded and that one answer is chosen from"),
  spentTokens: z
    .number()
    .describe("mean a question over all its samples: thinking, answers, and what rejection threw away; no prompts"),
  costMicroUsd: z.number().describe("mean a question, millionths of a dollar; 0 where nothing is paid"),
  accuracy: ShareEstimate,
  tokensPerRight: z.number().nullable().describe("tokens spent for each right answer; null where none is right"),
  microUsdPerRight: z.number().nullable(),
});
export type MethodRow = z.infer<typeof MethodRow>;

/** "Wait" against a vote over as many samples as its tokens would have bought; rounding is in the vote's favour. */
export const EqualTokens = z.strictObject({
  waits: z.int().min(1),
  waitTokens: z.number().describe("mean a question"),
  votes: z.int().min(1).describe("samples that reach as many tokens"),
  voteTokens: z.number(),
  questions: count.describe("questions with as many samples, answered with Wait too; 0: more samples are needed"),
  waitAccuracy: share.nullable(),
  voteAccuracy: share.nullable(),
  difference: z.number().min(-1).max(1).nullable().describe("Wait minus vote, paired by question"),
  interval: Interval.nullable().describe("clustered t"),
});
export type EqualTokens = z.infer<typeof EqualTokens>;

/** All settings of one evaluation. */
export const EvaluationSummary = z.strictObject({
  schemaVersion,
  settings: z.array(SettingSummary),
  sweep: SweepSummary.nullable().describe("null where fewer than two settings differ in mean length"),
  rejectionSweep: SweepSummary.nullable().describe(
    "the same of rejection sampling, a method of its own as in s1, over questions that it never gave up",
  ),
  methods: z
    .array(MethodRow)
    .describe("one reply under each setting; then samples in parallel, where there are several"),
  equalTokens: z
    .array(EqualTokens)
    .describe("for each number of waits; empty without waits or without several samples"),
  costMicroUsd: count,
});
export type EvaluationSummary = z.infer<typeof EvaluationSummary>;

/** What two evaluations must share to be comparable. Null: not known, and not held against them. */
export const ComparisonFacts = z.strictObject({
  task: z.string(),
  taskVersion: z.string().nullable(),
  dataSha256: digest.nullable(),
  graderVersion: z.string().nullable(),
});
export type ComparisonFacts = z.infer<typeof ComparisonFacts>;

/** One thing in which two evaluations differ that makes them incomparable. */
export const Mismatch = z.strictObject({
  field: z.enum(["task", "taskVersion", "dataSha256", "graderVersion", "setting"]),
  first: z.string(),
  second: z.string(),
});
export type Mismatch = z.infer<typeof Mismatch>;

/** What more work would tell the two apart, if the true difference is the one seen (power 80 %, alpha 5 %). */
export const NextStep = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("settled") }).describe("distinguishable already"),
  z.strictObject({
    kind: z.literal("more-samples"),
    samples: z.int().min(1).describe("more samples of every question on both sides"),
    costMicroUsd: count.nullable().describe("at what these samples cost; null where nothing was paid"),
  }),
  z.strictObject({
    kind: z.literal("more-questions"),
    questions: z.int().min(1).describe("more questions, with as many samples each"),
    costMicroUsd: count.nullable(),
    reason: z
      .enum(["between-questions", "greedy", "one-sample"])
      .describe("why no number of samples is named: it can never do, would change nothing, or cannot be known"),
  }),
  z.strictObject({ kind: z.literal("none"), reason: z.enum(["no-difference", "too-few-questions"]) }),
]);
export type NextStep = z.infer<typeof NextStep>;

/** Test questions that occur in training text. */
export const Contamination = z.strictObject({
  ngram: z.int().min(1).describe("words of a shared run that count as an overlap"),
  questions: count.describe("test questions checked"),
  examples: count.describe("training texts checked"),
  sameId: z.array(z.string()).describe("test questions that are a training question"),
  sharedText: z.array(z.string()).describe("other test questions that share a run of words with a training text"),
  tooShort: count.describe("test questions with fewer words than a run: only their ids could be checked"),
});
export type Contamination = z.infer<typeof Contamination>;

/** Two evaluations at one setting, on the questions in common. Differences are second minus first. */
export const ComparisonRow = z.strictObject({
  firstSetting: ThinkingSetting,
  secondSetting: ThinkingSetting,
  questions: count.describe("scored on both sides"),
  clusters: count,
  unpairedFirst: count.describe("questions that only the first side scored; left out"),
  unpairedSecond: count.describe("questions that only the second side scored; left out"),
  samples: z.tuple([z.number(), z.number()]).describe("mean samples a question on each side"),
  first: share.nullable(),
  second: share.nullable(),
  difference: z.number().min(-1).max(1).nullable(),
  interval: Interval.nullable(),
  method: IntervalMethod.nullable(),
  pValue: share.nullable().describe("two-sided; null without questions"),
  test: z.enum(["exact McNemar", "sign-flip permutation"]),
  adjustedPValue: share.nullable().describe("Holm over the rows of this comparison"),
  minimalDetectableEffect: share.nullable().describe("difference found 4 times in 5 at the 5 % level with these data"),
  betweenVariance: z.number().min(0).nullable().describe("of true differences over questions; null if unknown"),
  withinVariance: z.number().min(0).nullable().describe("of a question's difference by sampling; null if unknown"),
  next: NextStep,
  sentence: z.string(),
  clean: z
    .strictObject({ questions: count, difference: z.number().nullable() })
    .nullable()
    .describe("the same without contaminated questions; null where none is"),
});
export type ComparisonRow = z.infer<typeof ComparisonRow>;

/** A comparison that could be made. */
export const EvaluationComparison = z.strictObject({
  schemaVersion,
  first: z.string().describe("label of the first side, A"),
  second: z.string().describe("label of the second side, B"),
  task: z.string(),
  mismatches: z.array(Mismatch).describe("in what the two differ although compared, because it was asked for"),
  onlyFirstSettings: z.array(ThinkingSetting).describe("settings that the second side lacks"),
  onlySecondSettings: z.array(ThinkingSetting),
  rows: z.array(ComparisonRow),
  contamination: Contamination.nullable().describe("null: nothing was checked"),
});
export type EvaluationComparison = z.infer<typeof EvaluationComparison>;

/** What stands above the figures of an evaluation. */
export const EvaluationHeading = z.strictObject({
  task: TaskFacts.pick({ name: true, version: true, questions: true }),
  model: ModelFacts.pick({ name: true }),
  samplesPerQuestion: z.int().min(1),
});
export type EvaluationHeading = z.infer<typeof EvaluationHeading>;
