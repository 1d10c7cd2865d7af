/** @file A model behind an API, as a recipe names it: a teacher, a reference student or a judge. */
import { z } from "zod";

/** What a provider's reasoning is to a reader; `hidden`: none comes back, so it can answer and grade but not teach. */
export const ReasoningKind = z.enum(["raw", "summary", "prompted", "hidden"]);
export type ReasoningKind = z.infer<typeof ReasoningKind>;

/** Dollars for a million tokens, as a recipe writes them. */
export const GivenPrice = z.strictObject({
  inputUsdPerMillion: z.number().min(0).describe("dollars for a million prompt tokens"),
  outputUsdPerMillion: z.number().min(0).describe("dollars for a million completion tokens, thinking included"),
});
export type GivenPrice = z.infer<typeof GivenPrice>;

const limits = z
  .strictObject({
    requestsPerMinute: z.int().min(1).optional().describe("requests a minute that the provider allows"),
    tokensPerMinute: z.int().min(1).optional().describe("prompt and completion tokens a minute that it allows"),
    concurrency: z.int().min(1).max(4096).default(32).describe("requests in flight at most; fewer after a 429"),
  })
  .prefault({})
  .describe("declared limits; the provider's own headers count too");

/** After so long what a batch did not bring is asked for directly, unless the recipe says otherwise: minutes. */
export const BATCH_DEADLINE_MINUTES = 24 * 60;

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, "lower-case letters, digits, dots and dashes")
    .optional()
    .describe("the endpoint's name in trace ids, whatever its URL and key; its type unless told"),
  model: z.string().min(1).describe("the model's name at that server"),
  apiKeyFile: z
    .string()
    .optional()
    .describe("file that holds the key, seen from the recipe, instead of an environment variable"),
  temperature: z.number().min(0).max(2).optional().describe("sampling temperature; none leaves it to the server"),
  topP: z.number().gt(0).max(1).optional().describe("nucleus sampling; none leaves it to the server"),
  maxTokens: z.int().min(1).default(32_768).describe("cap on thinking and answer together, tokens"),
  price: GivenPrice.optional().describe("what it costs; needed where grappa's price book does not know the model"),
  batch: z
    .strictObject({
      deadlineMinutes: z
        .int()
        .min(1)
        .default(BATCH_DEADLINE_MINUTES)
        .describe("what is not back by then is cancelled and asked for directly"),
    })
    .optional()
    .describe("buy through the provider's batch API, at half price where it gives that; absent: direct calls"),
  limits,
};

const keyEnv = (name: string) =>
  z.string().default(name).describe("name of the environment variable that holds the key");

export const OpenAICompatibleEndpoint = z.strictObject({
  type: z.literal("openai-compatible").describe("a model behind a server that speaks OpenAI's chat completions"),
  baseUrl: z.url().describe("up to and including /v1"),
  apiKeyEnv: z.string().optional().describe("name of the environment variable that holds the key; none sends no key"),
  reasoning: ReasoningKind.default("raw").describe("what its reasoning is; no answer tells, so the recipe must"),
  reasoningEffort: z
    .enum(["low", "medium", "high"])
    .optional()
    .describe("sent as reasoning_effort; absent: the server's"),
  continuation: z
    .enum(["none", "prefix", "completions"])
    .default("none")
    .describe(
      "how a cut reply can be gone on with: prefix (the last message is the assistant's own, as DeepSeek's beta and vLLM take it) or completions (as text in ChatML with <think> tags, as Qwen and its kin write it)",
    ),
  ...common,
});
export const GeminiEndpoint = z.strictObject({
  type: z.literal("gemini").describe("Google's Gemini API; its thoughts come back as summaries only"),
  baseUrl: z
    .url()
    .default("https://generativelanguage.googleapis.com/v1beta")
    .describe("where it is reached; another for a proxy or a test"),
  apiKeyEnv: keyEnv("GEMINI_API_KEY"),
  thinkingBudget: z.int().min(0).optional().describe("tokens it may think; absent: its own choice"),
  thinkingLevel: z.enum(["low", "medium", "high"]).optional().describe("for models that take a level"),
  ...common,
});
export const AnthropicEndpoint = z.strictObject({
  type: z.literal("anthropic").describe("Anthropic's Messages API; its thinking is summarised or left out"),
  baseUrl: z
    .url()
    .default("https://api.anthropic.com/v1")
    .describe("where it is reached; another for a proxy or a test"),
  apiKeyEnv: keyEnv("ANTHROPIC_API_KEY"),
  thinkingBudget: z.int().min(1024).optional().describe("tokens it may think; absent: no extended thinking"),
  ...common,
});
export const OpenAIEndpoint = z.strictObject({
  type: z.literal("openai").describe("OpenAI's Responses API; its reasoning is hidden: answers and grades only"),
  baseUrl: z.url().default("https://api.openai.com/v1").describe("where it is reached; another for a proxy or a test"),
  apiKeyEnv: keyEnv("OPENAI_API_KEY"),
  reasoningEffort: z.enum(["low", "medium", "high"]).optional().describe("absent: the model's own"),
  ...common,
});

/** Every API that Grappa speaks. */
export const ENDPOINTS = [OpenAICompatibleEndpoint, GeminiEndpoint, AnthropicEndpoint, OpenAIEndpoint] as const;
export const Endpoint = z.discriminatedUnion("type", ENDPOINTS);
export type Endpoint = z.infer<typeof Endpoint>;

const directly = {
  batch: z
    .never("a judge is asked directly, because others wait for its verdicts: leave batch out")
    .optional()
    .describe("not of a judge: it is asked directly"),
};

/** A judge's endpoint: any, but not through batches. */
export const JudgeEndpoint = z.discriminatedUnion("type", [
  OpenAICompatibleEndpoint.extend(directly),
  GeminiEndpoint.extend(directly),
  AnthropicEndpoint.extend(directly),
  OpenAIEndpoint.extend(directly),
]);

/** The endpoint's name in ids, records and the ledger. */
export function endpointName(endpoint: Pick<Endpoint, "name" | "type">): string {
  return endpoint.name ?? endpoint.type;
}

/** `name/model`: who answers, in messages and in the rows of attempts. */
export function describeEndpoint(endpoint: Pick<Endpoint, "name" | "type" | "model">): string {
  return `${endpointName(endpoint)}/${endpoint.model}`;
}
