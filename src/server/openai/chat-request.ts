/** @file The bodies of `/v1/chat/completions` and `/v1/completions`, read into what is to be decoded. Pure. */
import { z } from "zod";
import type { ChatMessage } from "../../tokenize/chat.ts";
import { ApiError } from "./api-error.ts";
import { EFFORTS, ThinkingControls, type RequestedThinking } from "./thinking-controls.ts";

/** Samples of one request at most. */
const MAX_CHOICES = 16;
const MAX_MESSAGES = 1000;
/** OpenAI's own limits. */
const MAX_STOPS = 4;
const MAX_TOP_LOGPROBS = 20;

const TextPart = z.object({ type: z.literal("text", "only text is understood"), text: z.string() });
const Content = z
  .union([z.string(), z.array(TextPart)])
  .transform((content) => (typeof content === "string" ? content : content.map(({ text }) => text).join("")));
const Message = z.discriminatedUnion("role", [
  z.object({ role: z.enum(["system", "developer"]), content: Content }),
  z.object({ role: z.literal("user"), content: Content }),
  // What it thought in earlier turns is not shown to it again: it never learned from such a conversation.
  z.object({ role: z.literal("assistant"), content: Content.nullish().transform((content) => content ?? "") }),
]);

const common = {
  model: z.string().max(512),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(MAX_STOPS)]).nullish(),
};

const ChatBody = z.object({
  ...common,
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
  reasoning_effort: z.enum(EFFORTS).nullish(),
  thinking: ThinkingControls.nullish(),
});

const CompletionBody = z.object({
  ...common,
  prompt: z.string("one string; lists and token ids are not taken here"),
  thinking: ThinkingControls.nullish(),
  reasoning_effort: z.enum(EFFORTS).nullish(),
});

/** What both kinds of request come down to. */
export interface WantedReply extends RequestedThinking {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly isStreamed: boolean;
  /** Whether a stream ends with a chunk that tells the usage. */
  readonly withUsage: boolean;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly choices: number;
  readonly seed: number | undefined;
  readonly stops: readonly string[];
  /** Where given, the answer's tokens come with their log-probability, and so many likeliest ones. */
  readonly topLogprobs?: number | undefined;
}

/** Fields that would change the reply and that no runtime here can do; what they may be is what changes nothing. */
const REFUSED: Readonly<Record<string, (value: unknown) => boolean>> = {
  tools: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none" || value === "auto",
  functions: (value) => Array.isArray(value) && value.length === 0,
  function_call: (value) => value === "none" || value === "auto",
  top_p: (value) => value === 1,
  top_k: (value) => value === 0 || value === -1,
  min_p: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  repetition_penalty: (value) => value === 1,
  logit_bias: (value) => typeof value === "object" && Object.keys(value as object).length === 0,
  response_format: (value) => (value as { type?: unknown })?.type === "text",
  modalities: (value) => Array.isArray(value) && value.every((one) => one === "text"),
  audio: () => false,
  prediction: () => false,
  web_search_options: () => false,
  echo: (value) => value === false,
  suffix: (value) => value === "",
  best_of: (value) => value === 1,
};

/** `/v1/chat/completions` gives them. */
const REFUSED_OF_COMPLETIONS: typeof REFUSED = {
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
};

/**
 * Reads the body of `/v1/chat/completions`.
 * @throws {ApiError} 400 with the field's name: it is missing, of another kind, out of its range, or asks for what cannot be done
 */
export function readChatRequest(body: unknown): WantedReply {
  const { messages, max_completion_tokens: most, logprobs, top_logprobs: top, ...rest } = parse(ChatBody, body);
  refuse(body, REFUSED);
  if (logprobs !== true && (top ?? 0) > 0)
    throw new ApiError(400, "top_logprobs is given, and logprobs is not true", {
      param: "top_logprobs",
      code: "invalid_value",
    });
  return {
    ...commonOf(rest, most ?? undefined),
    topLogprobs: logprobs === true ? (top ?? 0) : undefined,
    messages: messages.map(({ role, content }) => ({ role: role === "developer" ? "system" : role, content })),
  };
}

/** Reads the body of `/v1/completions`: the prompt becomes a user's message, since a student knows nothing else. */
export function readCompletionRequest(body: unknown): WantedReply {
  const { prompt, ...rest } = parse(CompletionBody, body);
  refuse(body, { ...REFUSED, ...REFUSED_OF_COMPLETIONS });
  return { ...commonOf(rest, undefined), messages: [{ role: "user", content: prompt }] };
}

type Common = Omit<z.infer<typeof CompletionBody>, "prompt">;

function commonOf(fields: Common, most: number | undefined): Omit<WantedReply, "messages"> {
  const {
    model,
    stream,
    stream_options: options,
    max_tokens,
    temperature,
    n,
    seed,
    stop,
    reasoning_effort,
    thinking,
  } = fields;
  const stops = [stop ?? []].flat().filter((one) => one !== "");
  return {
    model,
    isStreamed: stream === true,
    withUsage: options?.include_usage === true,
    temperature: temperature ?? 0,
    choices: n ?? 1,
    seed: seed ?? undefined,
    stops,
    maxTokens: most ?? max_tokens ?? undefined,
    reasoningEffort: reasoning_effort ?? undefined,
    thinking: thinking ?? undefined,
  };
}

/** @param body an object, as parsed */
function refuse(body: unknown, refused: typeof REFUSED): void {
  for (const [name, isHarmless] of Object.entries(refused)) {
    const value = (body as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null || isHarmless(value)) continue;
    throw new ApiError(400, `${name} is not supported here: the reply would not be what it asks for`, {
      param: name,
      code: "unsupported_parameter",
    });
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const param = issue?.path.join(".") ?? "";
  throw new ApiError(400, `${param === "" ? "the body" : param}: ${issue?.message ?? "not understood"}`, {
    param: param === "" ? null : param,
    code: "invalid_value",
  });
}
