/**
 * @file A fake of an OpenAI-compatible server with reasoning: `POST /v1/chat/completions` and `/v1/completions`, whole
 * and streamed. Shapes as documented by OpenAI's API reference (chat completions, streaming; read 2026-11), DeepSeek's
 * (`reasoning_content`, and `prefix` for chat prefix completion; api-docs.deepseek.com, read 2026-11) and vLLM's
 * OpenAI-compatible server (`continue_final_message`, `skip_special_tokens`; docs.vllm.ai, read 2026-11).
 */
import {
  type Fake,
  type FakeApi,
  type FakeEvent,
  type FakeOptions,
  type FakeRequest,
  fieldsOf,
  type Pieces,
  type Refusal,
  startFake,
  textOf,
  unknownFields,
  type WholeReply,
} from "./fake-server.ts";

const SAMPLING = ["model", "max_tokens", "temperature", "top_p", "seed", "stream", "stream_options", "stop", "n"];
const CHAT = [
  ...SAMPLING,
  "messages",
  "reasoning_effort",
  "response_format",
  "continue_final_message",
  "add_generation_prompt",
];
const TEXT = [...SAMPLING, "prompt", "skip_special_tokens", "min_tokens"];

/** How this server differs from others of its kind. */
export interface OpenAICompatibleFakeOptions extends FakeOptions {
  /** Where it puts thinking; `inline` is `<think>...</think>`, `inline-closed` without the opening tag. */
  readonly reasoningField?: "reasoning_content" | "reasoning" | "inline" | "inline-closed";
  /** Refuses `stream`, or `stream_options` alone. */
  readonly refuses?: "stream" | "stream_options";
  /** Ends streams without `[DONE]`. */
  readonly omitsDone?: boolean;
  /** Models that it knows; any where absent. */
  readonly models?: readonly string[];
}

/** Starts the fake. */
export function startFakeOpenAICompatible(options: OpenAICompatibleFakeOptions = {}): Promise<Fake> {
  return startFake(apiOf(options), options);
}

function apiOf(options: OpenAICompatibleFakeOptions): FakeApi {
  const field = options.reasoningField ?? "reasoning_content";
  return {
    prefix: "/v1",
    leadingEvents: 1,
    check: (request, apiKey) => checkRequest(request, apiKey, options),
    isStreamed: ({ body }) => body["stream"] === true,
    promptText: ({ body }) =>
      Array.isArray(body["messages"])
        ? body["messages"].map((message) => textOf(fieldsOf(message)["content"])).join(" ")
        : textOf(body["prompt"]),
    error: ({ message, code, status }) => ({
      error: {
        message,
        type: status < 500 ? "invalid_request_error" : "server_error",
        param: null,
        code: code ?? null,
      },
    }),
    errorEvent: ({ status, message }) => ({ data: { error: { message, type: "server_error", code: status } } }),
    whole: (reply, request) => wholeBody(reply, request, field),
    events: (reply, request, pieces) => streamEvents(reply, request, { pieces, field, options }),
  };
}

const isText = ({ path }: FakeRequest): boolean => path === "/v1/completions";

function checkRequest(
  request: FakeRequest,
  apiKey: string,
  { refuses, models }: OpenAICompatibleFakeOptions,
): Refusal | undefined {
  const { method, path, headers, body } = request;
  if (method !== "POST" || !["/v1/chat/completions", "/v1/completions"].includes(path))
    return { status: 404, message: `Invalid URL (${method} ${path})` };
  if (headers.authorization !== `Bearer ${apiKey}`)
    return { status: 401, message: "Incorrect API key provided", code: "invalid_api_key" };
  if (!headers["content-type"]?.startsWith("application/json"))
    return { status: 415, message: "the body must be application/json" };
  const [unknown] = unknownFields(body, isText(request) ? TEXT : CHAT);
  if (unknown !== undefined) return { status: 400, message: `Unrecognized request argument supplied: ${unknown}` };
  const refused = refuses !== undefined && (refuses === "stream" ? body["stream"] === true : refuses in body);
  if (refused) return { status: 400, message: `${refuses} is not supported` };
  if ("stream_options" in body && body["stream"] !== true)
    return { status: 400, message: "The 'stream_options' parameter is only allowed when 'stream' is enabled." };
  if (models !== undefined && !models.includes(textOf(body["model"])))
    return { status: 404, message: `The model \`${textOf(body["model"])}\` does not exist`, code: "model_not_found" };
  if (typeof body["model"] !== "string") return { status: 400, message: "you must provide a model parameter" };
  return isText(request) ? checkPrompt(body) : checkMessages(body);
}

function checkPrompt({ prompt }: Record<string, unknown>): Refusal | undefined {
  return typeof prompt === "string" ? undefined : { status: 400, message: "you must provide a prompt" };
}

function checkMessages(body: Record<string, unknown>): Refusal | undefined {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0)
    return { status: 400, message: "[] is too short - 'messages'" };
  const all = messages.map(fieldsOf);
  for (const [index, message] of all.entries()) {
    const isLast = index === all.length - 1;
    const isPrefix = isLast && message["role"] === "assistant" && message["prefix"] === true;
    const known = ["role", "content", ...(isPrefix ? ["prefix", "reasoning_content"] : [])];
    const [unknown] = unknownFields(message, known);
    if (unknown !== undefined)
      return { status: 400, message: `Additional properties are not allowed ('${unknown}') - 'messages.${index}'` };
    if (!["system", "user", "assistant"].includes(textOf(message["role"])) || typeof message["content"] !== "string")
      return { status: 400, message: `invalid message - 'messages.${index}'` };
  }
  const continues = body["continue_final_message"] === true;
  if (continues && body["add_generation_prompt"] !== false)
    return { status: 400, message: "Cannot set both `continue_final_message` and `add_generation_prompt` to True." };
  if (continues && all.at(-1)?.["role"] !== "assistant")
    return { status: 400, message: "continue_final_message needs a last message of the assistant" };
  return undefined;
}

function usageOf({ promptTokens, answerTokens, thinkingTokens }: WholeReply): object {
  const completion = answerTokens + thinkingTokens;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    completion_tokens_details: { reasoning_tokens: thinkingTokens },
  };
}

type Field = NonNullable<OpenAICompatibleFakeOptions["reasoningField"]>;

/** How thinking is written before the answer where it has no field of its own. */
function inlineThinking(thinking: string, field: Field): string {
  if (thinking === "") return "";
  return field === "inline" ? `<think>\n${thinking}\n</think>\n\n` : `${thinking}\n</think>\n\n`;
}

function wholeBody(reply: WholeReply, request: FakeRequest, field: Field): object {
  const { thinking, answer, finish } = reply;
  const isInline = field === "inline" || field === "inline-closed";
  const text = isInline ? inlineThinking(thinking, field) + answer : answer;
  const choice = (content: string, index: number): object =>
    isText(request)
      ? { index, finish_reason: finish, text: content, logprobs: null }
      : {
          index,
          finish_reason: finish,
          message: { role: "assistant", content, ...(isInline || thinking === "" ? {} : { [field]: thinking }) },
          logprobs: null,
        };
  return {
    id: `chatcmpl-${request.index}`,
    object: isText(request) ? "text_completion" : "chat.completion",
    created: 1_780_000_000,
    model: request.body["model"],
    choices: [choice(text, 0), ...(reply.hasSecondChoice ? [choice("another", 1)] : [])],
    ...(reply.hidesUsage ? {} : { usage: usageOf(reply) }),
  };
}

function streamEvents(
  reply: WholeReply,
  request: FakeRequest,
  { pieces, field, options }: { pieces: Pieces; field: Field; options: OpenAICompatibleFakeOptions },
): FakeEvent[] {
  const head = {
    id: `chatcmpl-${request.index}`,
    object: isText(request) ? "text_completion" : "chat.completion.chunk",
    created: 1_780_000_000,
    model: request.body["model"],
  };
  const chunk = (delta: object, finish: string | null = null, index = 0): FakeEvent => ({
    data: { ...head, choices: [{ index, ...delta, logprobs: null, finish_reason: finish }] },
  });
  const said = (content: string, index = 0): FakeEvent =>
    chunk(isText(request) ? { text: content } : { delta: { content } }, null, index);
  const thought = (text: string): FakeEvent => chunk({ delta: { [field]: text, content: null } });
  const isInline = field === "inline" || field === "inline-closed" || isText(request);
  const inline = inlineThinking(reply.thinking, field);
  const wantsUsage = fieldsOf(request.body["stream_options"])["include_usage"] === true && !reply.hidesUsage;
  return [
    chunk(isText(request) ? { text: "" } : { delta: { role: "assistant", content: "" } }),
    ...(isInline ? (inline === "" ? [] : [said(inline)]) : pieces.thinking.map(thought)),
    ...pieces.answer.map((text) => said(text)),
    ...(reply.hasSecondChoice ? [said("another", 1), chunk({ delta: {} }, "stop", 1)] : []),
    chunk(isText(request) ? { text: "" } : { delta: {} }, reply.finish),
    ...(wantsUsage ? [{ data: { ...head, choices: [], usage: usageOf(reply) } }] : []),
    ...(options.omitsDone === true ? [] : [{ data: "[DONE]" }]),
  ];
}
