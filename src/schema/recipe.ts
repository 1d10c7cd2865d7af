/** @file The recipe: a whole experiment as one strict object. Unknown keys are errors; every field says its unit. */
import { z } from "zod";
import { Endpoint, ENDPOINTS, GivenPrice, JudgeEndpoint } from "./endpoint.ts";
import { FAMILY_NAMES } from "./family-names.ts";
import { FileSource, HubSource } from "./question-source.ts";
import { SCHEMA_VERSION } from "./records.ts";
import { Difficulty, Select } from "./selection-fields.ts";
import { Train } from "./training-fields.ts";

const count = (what: string) => z.int().min(1).describe(what);
const share = (what: string) => z.number().min(0).max(1).describe(what);
const range = (what: string) =>
  z
    .tuple([z.int().min(1), z.int().min(1)])
    .refine(([low, high]) => low <= high, "low must not exceed high")
    .describe(what);

const FamilySource = z.strictObject({
  type: z.literal("family").describe("questions from a programmatic family, with exact verifiers"),
  family: z.enum(FAMILY_NAMES).describe("programmatic question family; `grappa questions list` says what each is"),
  count: count("questions to take from the train bucket"),
  difficulty: range("levels of the family, lowest and highest: 1 to 8 steps for arithmetic and program, else 1 to 5"),
});

const BuiltinTeacher = z.strictObject({
  type: z.literal("builtin").describe("Grappa's programmatic teacher, served on loopback; free"),
  slipRate: share("share of traces whose quick pass slips once").default(0.25),
  checkOnceShare: share("share of traces that check once after Wait").default(0.3),
  checkTwiceShare: share("share of traces that check twice").default(0.2),
  wrongRate: share("share of requests answered wrongly on purpose").default(0.02),
  truncateRate: share("share of requests cut by length").default(0.02),
  malformedRate: share("share of requests answered in a broken format").default(0.01),
  rateLimitRate: share("share of requests first refused with 429").default(0.05),
  latencyMs: z.int().min(0).describe("mean time to answer, milliseconds").default(5),
  port: z.int().min(0).max(65_535).describe("port of its endpoint on 127.0.0.1; 0 takes any free one").default(0),
});

const RecordedTeacher = z.strictObject({
  type: z.literal("recorded").describe("traces that are there already, in a data set like s1K: nobody is asked"),
  data: z.string().min(1).describe("a data file seen from the recipe, or hf:OWNER/NAME@REVISION:PATH"),
  question: z.string().default("question").describe("field of the question, as the sources read it"),
  thinking: z.string().default("thinking_trajectories.0").describe("field of the reasoning"),
  answer: z.string().default("attempt").describe("field of the answer"),
  model: z.string().min(1).default("unknown").describe("who wrote the traces, for cards and reports"),
  reasoning: z.enum(["raw", "summary", "prompted"]).default("raw").describe("what the reasoning is"),
});
export type RecordedTeacher = z.infer<typeof RecordedTeacher>;

const HostedStudent = z.strictObject({
  type: z.literal("together").describe("Together's fine-tuning API, and the tuned model behind its chat completions"),
  baseUrl: z
    .url()
    .default("https://api.together.xyz/v1")
    .describe("where it is reached; another for a proxy or a test"),
  apiKeyEnv: z.string().default("TOGETHER_API_KEY").describe("name of the environment variable that holds the key"),
  method: z.enum(["full", "lora"]).default("full").describe("full fine-tune, as s1, or LoRA"),
  download: z
    .boolean()
    .default(false)
    .describe("bring the tuned weights to this disk when it is trained: tens of gigabytes, as the provider packs them"),
  maxTokens: z.int().min(1).default(16_384).describe("cap on thinking and answer together, tokens, when it answers"),
  concurrency: count("requests in flight").default(32),
  trainUsdPerMillion: z
    .number()
    .min(0)
    .optional()
    .describe("dollars for a million trained tokens; needed where grappa's dated table has no row"),
  price: GivenPrice.optional().describe("of its answers; needed where grappa's price book does not know the model"),
});
export type HostedStudent = z.infer<typeof HostedStudent>;

const Decontaminate = z.strictObject({
  against: z
    .array(
      z.strictObject({
        task: z.string().describe("a benchmark that will be evaluated: a task's name, or the path of a task file"),
        data: z
          .string()
          .optional()
          .describe("its data file, seen from the recipe; a benchmark without is named as not checked"),
        sha256: z.string().optional().describe("SHA-256 that the data must have"),
      }),
    )
    .default([])
    .describe("benchmarks; the recipe's own held-out questions are always checked against"),
  ngram: count("words in a run; one shared run is enough to drop a question, as in s1").default(8),
  nearJaccard: z
    .number()
    .min(0.3)
    .max(1)
    .optional()
    .describe(
      "drop light edits of a benchmark's question too, from this likeness of five-character runs; absent: not looked for",
    ),
});

const Curate = z.strictObject({
  quality: z
    .enum(["s1", "strict"])
    .optional()
    .describe(
      "of questions: s1: its format checks, and no reference answer; strict: no reference answer, another language; absent: none. Of traces: s1 keeps loops and drops what has no grade; strict drops another language too",
    ),
  language: z
    .enum(["en", "any"])
    .default("en")
    .describe("for strict: what is plainly not English is dropped; any: nothing is"),
  decontaminate: Decontaminate.optional(),
  duplicates: z
    .strictObject({
      nearJaccard: z
        .number()
        .min(0.3)
        .max(1)
        .default(0.8)
        .describe("likeness of five-character runs from which two questions are the same; one is kept"),
    })
    .optional(),
});

/** A whole experiment; `z.infer` gives the resolved form, in which every default has been filled in. */
export const Recipe = z.strictObject({
  $schema: z.string().optional().describe("path of the JSON Schema, for completion in editors"),
  schemaVersion: z
    .literal(SCHEMA_VERSION)
    .optional()
    .describe("version of this format, as recipe.resolved.json carries it; a recipe of your own needs none"),
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes")
    .describe("names the run's folder: lower-case letters, digits and dashes"),
  seed: z.int().min(0).default(0).describe("seeds every random choice of the run"),
  student: z.strictObject({
    base: z
      .string()
      .describe(
        "folder of the base student in Hugging Face layout, seen from the recipe; or demo-base, which comes with grappa; or hf:OWNER/NAME@REVISION on the Hugging Face Hub; with hosted the model's name there",
      ),
    hosted: HostedStudent.optional().describe("where it is fine-tuned and asked; absent: on this machine"),
  }),
  maxUsd: z.number().min(0).default(0).describe("spending cap for the whole run, dollars"),
  order: z
    .enum(["attempt-first", "s1"])
    .default("attempt-first")
    .describe(
      "attempt-first: only what no reference student solves is traced; s1: everything is traced, then filtered",
    ),
  judge: JudgeEndpoint.optional().describe(
    "model that grades what no rule can, of students and teachers; absent: such replies stay unscored, and students are not asked for them",
  ),
  domain: z
    .enum(["declared", "judge"])
    .default("declared")
    .describe(
      "declared: a question's domain is what its source says; judge: the judge sorts what may be selected into the classes of MSC 2020, what it cannot tell into unclassified",
    ),
  collect: z.strictObject({
    sources: z.array(z.discriminatedUnion("type", [FamilySource, FileSource, HubSource])).min(1),
    strict: z
      .boolean()
      .default(false)
      .describe("stop at the first row of a data set that is no question; otherwise it is reported and left out"),
  }),
  curate: Curate.optional(),
  attempt: z
    .strictObject({
      modes: z
        .array(z.enum(["direct", "think"]))
        .default(["direct"])
        .describe("how the base tries each question"),
      thinkBudgetTokens: z.int().min(0).default(64).describe("hard cap on thinking in mode think, tokens"),
      students: z
        .array(Endpoint)
        .default([])
        .describe(
          "reference students behind endpoints, cheapest first; each is asked what those before it did not solve, and what no rule can grade the judge does",
        ),
      samples: count("tries of each reference student at one question").default(1),
    })
    .prefault({}),
  difficulty: Difficulty,
  trace: z.strictObject({
    teacher: z.discriminatedUnion("type", [BuiltinTeacher, RecordedTeacher, ...ENDPOINTS]),
    escalate: z
      .array(Endpoint)
      .default([])
      .describe("dearer teachers, in order: each is asked what those before it failed at, or answered wrongly"),
    system: z.string().optional().describe("system prompt for the teachers; absent: the question alone"),
    samplesPerQuestion: count("samples for one question from one teacher").default(1),
    stopWhenVerified: z
      .boolean()
      .default(false)
      .describe("ask for a question's samples one after another, and for no more once one is correct"),
    allowSummaries: z
      .boolean()
      .default(false)
      .describe("take a teacher whose thoughts are summaries or prompted, not raw"),
    salvage: z
      .enum(["continue", "force-answer", "drop"])
      .default("drop")
      .describe(
        "what becomes of a reply cut by maxTokens: gone on with, made to answer now, or dropped; it is kept and never bought again",
      ),
    concurrency: count("requests in flight at the built-in teacher; an endpoint has limits.concurrency").default(32),
    maxRetries: z
      .int()
      .min(0)
      .default(5)
      .describe("retries of one request after 5xx or a broken connection; a 429 waits for its turn and does not count"),
  }),
  select: Select,
  tokenize: z
    .strictObject({
      maxLength: z.int().min(16).default(1024).describe("longest example, tokens; a longer one fails the run"),
      target: z
        .enum(["traces", "answers"])
        .default("traces")
        .describe("what is learned: thinking and answer as in s1, or the answer alone (a control)"),
      style: z
        .enum(["s1", "think"])
        .default("s1")
        .describe("delimiters of the thinking: s1's (<|im_start|>think, <|im_start|>answer), or <think> and </think>"),
    })
    .prefault({}),
  train: Train,
  evaluate: z
    .strictObject({
      count: count("held-out questions, over all families").default(300),
      bucket: z
        .enum(["tune", "test"])
        .default("test")
        .describe("which held-out questions: tune while choosing settings, test for the result"),
      difficulty: range("levels of the families' held-out questions, lowest and highest").default([3, 5]),
      budgets: z.array(z.int().min(0)).default([16, 32, 64, 96, 128]).describe("ladder of hard caps, thinking tokens"),
      waits: z.array(z.int().min(1)).default([1, 2]).describe("forced continuations beside the natural end"),
      continuations: z
        .array(z.int().min(1))
        .default([])
        .describe(
          "forced continuations without a word: ends of thinking swallowed, nothing put in their place, and the word forbidden there",
        ),
      samples: z
        .int()
        .min(0)
        .default(0)
        .describe("replies sampled for each question at the natural end, for a majority vote; 0 for none"),
      reject: z
        .array(z.int().min(1))
        .default([])
        .describe(
          "rejection sampling: the student is sampled until thinking ends by itself within each of these caps, tokens",
        ),
      maxTries: count("samples of a question until such a cap is given up").default(16),
      temperature: z.number().positive().max(2).default(0.5).describe("temperature of those samples"),
      answerTokens: count("reserve for the answer, tokens").default(16),
      batchSize: count("questions decoded together").default(16),
      on: z
        .enum(["auto", "embedded", "launcher"])
        .default("auto")
        .describe(
          "where a student of train.launcher is asked: on this machine, or by the same launcher; auto: here if it fits, else there",
        ),
      maxUsd: z
        .number()
        .min(0)
        .optional()
        .describe("cap for asking base and student by a launcher, dollars; absent: the run's maxUsd"),
    })
    .prefault({}),
});
export type Recipe = z.infer<typeof Recipe>;
/** Whether a teacher is a model behind an endpoint, which is asked and may cost money. */
export function isAsked(teacher: Recipe["trace"]["teacher"]): teacher is Endpoint {
  return teacher.type !== "builtin" && teacher.type !== "recorded";
}

/** A recipe as a person writes it: defaults may be left out. */
export type RecipeInput = z.input<typeof Recipe>;

/** Gives completion and type checking to recipes written in JavaScript; returns its argument. */
export function defineRecipe(recipe: RecipeInput): RecipeInput {
  return recipe;
}
