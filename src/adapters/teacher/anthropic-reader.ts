/**
 * @file Reads Anthropic's messages, whole or streamed. Pure. Shapes: platform.claude.com/docs/en/api/messages,
 * /build-with-claude/streaming and /build-with-claude/extended-thinking, read 2026-11.
 */
import type { FinishReason, Usage } from "../../schema/records.ts";
import { excerptOf } from "./excerpt.ts";
import { elementsOf, fieldsOf, textOf } from "./json-fields.ts";
import { streamedRefusal } from "./provider-fault.ts";
import {
  checkedReply,
  jsonOf,
  malformed,
  refuseEndless,
  type ReplyContext,
  type ReplyReader,
  tokenCount,
  withheld,
} from "./reply-reader.ts";
import type { TeacherReply } from "./teacher.ts";

type Fields = Readonly<Record<string, unknown>>;

const FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
};

/** See the file's head. */
export class AnthropicReader implements ReplyReader {
  readonly #context: ReplyContext;
  #thinking = "";
  #answer = "";
  #stop = "";
  /** Counts come with the start and, cumulative, with the end. */
  #counts: Fields = {};

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  get hasText(): boolean {
    return this.#characters > 0;
  }

  get #characters(): number {
    return this.#thinking.length + this.#answer.length;
  }

  get isComplete(): boolean {
    return this.#stop !== "";
  }

  event(data: string): void {
    const event = fieldsOf(jsonOf(data, this.#context));
    switch (event["type"]) {
      case "error":
        throw this.#refused(event["error"]);
      case "message_start":
        this.#count(fieldsOf(event["message"])["usage"]);
        break;
      case "content_block_start":
        this.#take(fieldsOf(event["content_block"]));
        break;
      case "content_block_delta":
        this.#take(fieldsOf(event["delta"]));
        break;
      case "message_delta":
        this.#count(event["usage"]);
        this.#stop = textOf(fieldsOf(event["delta"])["stop_reason"]) || this.#stop;
        break;
      default: // pings, ends of blocks, and events of later versions
    }
    refuseEndless(this.#characters, this.#context);
  }

  whole(body: string): TeacherReply {
    const message = fieldsOf(jsonOf(body, this.#context));
    if (message["type"] === "error") throw this.#refused(message["error"]);
    this.#count(message["usage"]);
    if (message["type"] !== "message" || !Array.isArray(message["content"]))
      throw malformed(this.#context, `not a message: ${excerptOf(body)}`, usageOf(this.#counts));
    for (const block of elementsOf(message["content"])) this.#take(fieldsOf(block));
    this.#stop = textOf(message["stop_reason"]);
    return this.reply();
  }

  reply(): TeacherReply {
    const usage = usageOf(this.#counts);
    if (this.#stop === "refusal") throw withheld(this.#context, "refusal", usage);
    const thinking = this.#thinking.trim();
    const found = { thinking, answer: this.#answer.trim(), finishReason: FINISH[this.#stop] ?? "other", usage };
    // Thinking is summarised, or left out (`redacted_thinking`, `display: "omitted"`, no thinking asked for).
    return checkedReply({ ...found, provenance: thinking === "" ? "hidden" : "summary" }, this.#context);
  }

  /** A block, or a piece of one. */
  #take({ thinking, text }: Fields): void {
    this.#thinking += textOf(thinking);
    this.#answer += textOf(text);
  }

  #count(usage: unknown): void {
    const given = Object.entries(fieldsOf(usage)).filter(([, value]) => value !== null && value !== undefined);
    this.#counts = { ...this.#counts, ...Object.fromEntries(given) };
  }

  #refused(error: unknown): Error {
    return streamedRefusal(error, { called: this.#context.called, hasText: this.hasText });
  }
}

/** Cached input counts as input. Undefined unless both sides are counted. */
function usageOf(counts: Fields): Usage | undefined {
  const input = tokenCount(counts["input_tokens"]);
  const completionTokens = tokenCount(counts["output_tokens"]);
  if (input === undefined || completionTokens === undefined) return undefined;
  const cached = [counts["cache_creation_input_tokens"], counts["cache_read_input_tokens"]];
  const promptTokens = cached.reduce<number>((sum, count) => sum + (tokenCount(count) ?? 0), input);
  const thought = tokenCount(fieldsOf(counts["output_tokens_details"])["thinking_tokens"]) ?? 0;
  return { promptTokens, completionTokens, reasoningTokens: Math.min(thought, completionTokens), isEstimated: false };
}
