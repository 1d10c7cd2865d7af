/**
 * @file Anthropic's Messages API, streamed and whole. It refuses what Anthropic refuses: a missing version or key header,
 * unknown fields, a thinking budget that leaves no answer, a temperature beside thinking. Shapes:
 * platform.claude.com/docs/en/api/messages, /api/errors, /build-with-claude/streaming and /extended-thinking, as found in
 * stored copies, November 2026.
 */
import { z } from "zod";
import { type FakeAnswer, type FakeRequest, inPieces, sse, startFaultServer } from "./fault-server.ts";
import { events, json, type NativeFake, type NativeFakeOptions, parse, type Said, say } from "./native-fake.ts";

/** How it differs from model to model. */
export interface FakeAnthropicOptions extends NativeFakeOptions {
  /** As models from 4.7 on: no `enabled` thinking, and no text of it unless `display` asks for a summary. */
  readonly isAdaptiveOnly?: boolean;
  /** Thinking comes encrypted. */
  readonly isRedacted?: boolean;
}

const display = z.enum(["summarized", "omitted"]).optional();
const Body = z.strictObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z.array(z.strictObject({ role: z.enum(["user", "assistant"]), content: z.string().min(1) })).min(1),
  system: z.string().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().optional(),
  stream: z.boolean().optional(),
  thinking: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int().min(1024), display }),
      z.strictObject({ type: z.literal("adaptive"), display }),
      z.strictObject({ type: z.literal("disabled") }),
    ])
    .optional(),
});
type Body = z.infer<typeof Body>;

/** An error in Anthropic's shape. */
export function anthropicError(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message }, request_id: "req_fake" });
}

/** Starts the fake. A reply's `finish` is a `stop_reason`. */
export async function startFakeAnthropic(options: FakeAnthropicOptions): Promise<NativeFake> {
  const billed = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const server = await startFaultServer({ ...options, answer: (request) => answer(request, options, billed) });
  return { ...server, baseUrl: `${server.origin}/v1`, billed };
}

function refuse(status: number, type: string, message: string): FakeAnswer {
  return json(JSON.parse(anthropicError(type, message)), status);
}

const invalid = (message: string): FakeAnswer => refuse(400, "invalid_request_error", message);

function answer(request: FakeRequest, options: FakeAnthropicOptions, billed: NativeFake["billed"]): FakeAnswer {
  const { method, path, headers } = request;
  if (method !== "POST" || path !== "/v1/messages") return refuse(404, "not_found_error", "Not found");
  if (headers["x-api-key"] !== options.apiKey) return refuse(401, "authentication_error", "invalid x-api-key");
  if (headers["anthropic-version"] === undefined) return invalid("anthropic-version: header is required");
  if (headers["anthropic-version"] !== "2023-06-01") return invalid("anthropic-version: not a valid version");
  const body = Body.safeParse(parse(request.body));
  if (!body.success) {
    const [issue] = body.error.issues;
    const isExtra = issue?.code === "unrecognized_keys";
    return invalid(isExtra ? `${issue.keys[0]}: Extra inputs are not permitted` : `${issue?.path.join(".")}: invalid`);
  }
  const refusal = refusalOf(body.data, options);
  if (refusal !== undefined) return refusal;
  const { messages, system = "", max_tokens: maxTokens, thinking, stream } = body.data;
  const prompt = [system, ...messages.map(({ content }) => content)].filter(Boolean).join("\n");
  const isThinking = thinking !== undefined && thinking.type !== "disabled";
  const reply = options.reply(prompt, request);
  const said = say(isThinking ? reply : { ...reply, thinking: "" }, { prompt, maxTokens }, billed);
  const isShown =
    thinking !== undefined &&
    thinking.type !== "disabled" &&
    (thinking.display ?? (options.isAdaptiveOnly ? "omitted" : "summarized")) === "summarized";
  const blocks = blocksOf(said, isShown, options);
  return stream === true
    ? events(streamed(said, blocks), options.headers)
    : json(message(said, blocks), 200, options.headers);
}

function refusalOf(body: Body, options: FakeAnthropicOptions): FakeAnswer | undefined {
  const { model, thinking, max_tokens: maxTokens, temperature, top_p: topP, stream, messages } = body;
  if (model !== options.model) return refuse(404, "not_found_error", `model: ${model}`);
  if (stream === true && options.refusesStreams) return invalid("stream: not supported");
  if (messages.at(-1)?.role !== "user") return invalid("This model does not support assistant message prefill.");
  if (thinking?.type === "enabled" && options.isAdaptiveOnly)
    return invalid('"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".');
  if (thinking?.type === "adaptive" && options.isAdaptiveOnly !== true)
    return invalid("adaptive thinking is not supported on this model");
  if (thinking?.type === "enabled" && thinking.budget_tokens >= maxTokens)
    return invalid("`max_tokens` must be greater than `thinking.budget_tokens`.");
  if (thinking?.type === "enabled" && temperature !== undefined && temperature !== 1)
    return invalid("`temperature` may only be set to 1 when thinking is enabled.");
  if (thinking?.type === "enabled" && topP !== undefined && topP < 0.95)
    return invalid("`top_p` must be greater than or equal to 0.95 when thinking is enabled.");
  return undefined;
}

type Block =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | { readonly type: "text"; readonly text: string };

function blocksOf({ thinking, answer: text }: Said, isShown: boolean, { isRedacted }: FakeAnthropicOptions): Block[] {
  const thought: Block = isRedacted
    ? { type: "redacted_thinking", data: "ZW5jcnlwdGVk" }
    : { type: "thinking", thinking: isShown ? thinking : "", signature: "c2lnbmF0dXJl" };
  return [...(thinking === "" ? [] : [thought]), ...(text === "" ? [] : [{ type: "text" as const, text }])];
}

const stopOf = ({ finish, isCut }: Said): string => finish ?? (isCut ? "max_tokens" : "end_turn");

function usage({ promptTokens, thinkingTokens, answerTokens, hasUsage }: Said): object {
  if (!hasUsage) return {};
  return {
    usage: {
      input_tokens: promptTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: thinkingTokens + answerTokens,
      output_tokens_details: { thinking_tokens: thinkingTokens },
    },
  };
}

function message(said: Said, content: readonly Block[]): object {
  const head = { id: "msg_fake", type: "message", role: "assistant", model: "fake" };
  return { ...head, content, stop_reason: stopOf(said), stop_sequence: null, ...usage(said) };
}

const PIECE_CHARACTERS = 20;

function streamed(said: Said, blocks: readonly Block[]): string[] {
  const event = (type: string, rest: object = {}): string => sse({ type, ...rest }, type);
  const { promptTokens, hasUsage } = said;
  const counts = hasUsage ? { usage: { input_tokens: promptTokens, output_tokens: 1 } } : {};
  const head = { id: "msg_fake", type: "message", role: "assistant", model: "fake", content: [], stop_reason: null };
  return [
    event("message_start", { message: { ...head, ...counts } }),
    event("ping"),
    ...blocks.flatMap((block, index) => [
      event("content_block_start", { index, content_block: emptied(block) }),
      ...deltas(block).map((delta) => event("content_block_delta", { index, delta })),
      event("content_block_stop", { index }),
    ]),
    event("message_delta", { delta: { stop_reason: stopOf(said), stop_sequence: null }, ...usage(said) }),
    event("message_stop"),
  ];
}

function emptied(block: Block): object {
  if (block.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return block.type === "text" ? { type: "text", text: "" } : block;
}

function deltas(block: Block): object[] {
  if (block.type === "redacted_thinking") return [];
  if (block.type === "text")
    return inPieces(block.text, PIECE_CHARACTERS).map((text) => ({ type: "text_delta", text }));
  const thoughts = inPieces(block.thinking, PIECE_CHARACTERS).map((thinking) => ({ type: "thinking_delta", thinking }));
  return [...thoughts, { type: "signature_delta", signature: block.signature }];
}
