/**
 * @file The language between Grappa, `python/generate.py` and the program that it runs (dist/generate/generate.mjs): the job's
 * `job.json`, `prompts.jsonl` and `replies.jsonl`, and the events that it prints as `@@grappa {json}` and appends to
 * `events.jsonl`. All is in token ids: the machines need no tokenizer of ours.
 */
import { z } from "zod";
import { ThinkingSetting } from "./records.ts";
import { SCHEMA_VERSION } from "./schema-version.ts";

const schemaVersion = z.literal(SCHEMA_VERSION);
const count = z.int().min(0);
const ids = z.array(count);

/** The delimiters of src/tokenize/thinking-delimiters.ts, as data. */
export const DelimiterIds = z.strictObject({
  thinkStart: ids,
  answerStart: ids,
  directStart: ids,
  cutAnswer: ids,
  newline: ids,
  newlineEndings: ids,
  wait: ids,
  stopIds: z.strictObject({ thinkingEnd: count, imEnd: count, endOfText: count }),
});

/** One model that a job asks. */
export const GenerateModel = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  model: z.string().describe("folder seen from the job's folder, or OWNER/NAME on the hub"),
  revision: z.string().nullable().describe("of a model on the hub"),
  delimiters: DelimiterIds.describe("base and student may think in different styles"),
});
export type GenerateModel = z.infer<typeof GenerateModel>;

/** `job.json` of a generate job. Paths are seen from the job's folder. */
export const GenerateJob = z.strictObject({
  schemaVersion,
  name: z.string(),
  models: z.array(GenerateModel).min(1).describe("asked one after the other, each by a server of its own"),
  contextTokens: z.int().min(1).describe("most tokens of one sequence"),
  choosableIds: z.int().min(1).describe("ids of our tokenizer; what a model chooses past them is not taken"),
  answerTokens: z.int().min(1),
  prompts: z.string().describe("prompts.jsonl"),
  output: z.string().describe("folder of replies.jsonl and events.jsonl; GRAPPA_OUT overrides it"),
  concurrency: z.int().min(1).describe("prompts asked at once; changes no greedy result but by the server's rounding"),
  maxSegmentTokens: z.int().min(1),
  server: z.strictObject({
    type: z
      .enum(["auto", "vllm", "stand-in"])
      .describe("auto: vLLM where it is installed and there is a GPU, else the stand-in over transformers"),
    device: z.enum(["auto", "cuda", "cpu"]),
    precision: z.enum(["auto", "f32", "bf16"]).describe("auto: the model's own on GPUs, f32 on CPUs"),
    tensorParallel: z
      .int()
      .min(1)
      .nullable()
      .describe("GPUs that share one copy of the model; null: as few as hold it; the rest hold more copies"),
  }),
  seed: count,
  stopAfterSeconds: z
    .number()
    .nullable()
    .describe("it ends, as `stopped`, once so many seconds of all tries together have passed"),
});
export type GenerateJob = z.infer<typeof GenerateJob>;

/** A line of `prompts.jsonl`: one prompt for one model. */
export const GeneratePrompt = z.strictObject({
  schemaVersion,
  model: z.string(),
  key: z.string().describe("names the prompt among those of its model"),
  ids: ids.min(1).describe("up to and with the assistant's header"),
  sampling: z.strictObject({ temperature: z.number().min(0), key: z.string() }),
  settings: z.array(ThinkingSetting).min(1).describe("in the order in which they cost least, largest first"),
});
export type GeneratePrompt = z.infer<typeof GeneratePrompt>;

/**
 * A line of `replies.jsonl`: one prompt under one setting, appended when it is done. It holds what the model chose and nothing
 * else; the thinking-budget machine makes the same row of it wherever it runs.
 */
export const GenerateReply = z.strictObject({
  schemaVersion,
  model: z.string(),
  key: z.string(),
  place: count.describe("of the setting among the prompt's"),
  shared: z
    .strictObject({ place: count, tokens: count })
    .nullable()
    .describe("leading tokens that it has in common with an earlier line of the same prompt; null: none"),
  chosen: ids.describe("tokens that the model chose after these, ends of thinking that were swallowed too"),
});
export type GenerateReply = z.infer<typeof GenerateReply>;

const at = {
  schemaVersion,
  time: z.number().describe("Unix seconds"),
  elapsedSeconds: z.number().describe("of all tries together, as far as the folder knows"),
};

/** One event of a job. Unknown fields are ignored. */
export const GenerateEvent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("start").describe("a model's server answers; once a model and try"),
    ...at,
    model: z.string(),
    server: z.string().describe("vllm, or stand-in: a small server over transformers in vLLM's place"),
    version: z.string(),
    device: z.enum(["cuda", "cpu"]),
    gpu: z.string().nullable(),
    gpus: count,
    loadSeconds: z.number().describe("from the server's start to its first answer"),
  }),
  z.object({
    type: z.literal("progress"),
    ...at,
    model: z.string(),
    done: count.describe("replies of the model, those of earlier tries too"),
    total: count,
    tokens: count.describe("chosen in this try"),
    seconds: z.number().describe("since the model's first request in this try"),
  }),
  z.object({ type: z.literal("warning"), ...at, message: z.string() }),
  z.object({
    type: z
      .literal("end")
      .describe("completed: every reply is there; stopped: by stopAfterSeconds, what is there stays"),
    ...at,
    outcome: z.enum(["completed", "stopped"]),
  }),
  z.object({
    type: z.literal("failure"),
    ...at,
    code: z.enum(["server-failed", "no-node", "unsupported", "error"]),
    message: z.string(),
    hint: z.string().nullable(),
  }),
]);
export type GenerateEvent = z.infer<typeof GenerateEvent>;
