/**
 * @file Reads OpenAI's responses, whole or streamed. Pure. Shapes: developers.openai.com/api/reference/resources/responses
 * and its streaming events, read 2026-11.
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

/** See the file's head. The last event of a stream repeats the whole response: that is what is read. */
export class ResponsesReader implements ReplyReader {
  readonly #context: ReplyContext;
  #characters = 0;
  #final: Fields | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  get hasText(): boolean {
    return this.#characters > 0;
  }

  get isComplete(): boolean {
    return this.#final !== undefined;
  }

  event(data: string): void {
    const event = fieldsOf(jsonOf(data, this.#context));
    switch (event["type"]) {
      case "error":
        throw this.#refused(event["error"] ?? { ...event, type: undefined });
      case "response.output_text.delta":
      case "response.refusal.delta":
        this.#characters += textOf(event["delta"]).length;
        refuseEndless(this.#characters, this.#context);
        break;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        this.#final = fieldsOf(event["response"]);
        break;
      default: // beginnings and ends of items, and events of later versions
    }
  }

  whole(body: string): TeacherReply {
    return this.#read(fieldsOf(jsonOf(body, this.#context)), body);
  }

  reply(): TeacherReply {
    return this.#read(this.#final ?? {}, JSON.stringify(this.#final));
  }

  #read(response: Fields, shown: string): TeacherReply {
    const context = this.#context;
    const usage = usageOf(response["usage"]);
    const { status, error, output } = response;
    if (error !== undefined && error !== null) throw this.#refused(error, usage !== undefined);
    if (!Array.isArray(output)) throw malformed(context, `not a response: ${excerptOf(shown)}`, usage);
    const { text, refusal } = contentOf(output);
    const cause = textOf(fieldsOf(response["incomplete_details"])["reason"]);
    if (cause === "content_filter") throw withheld(context, cause, usage);
    if (text === "" && refusal !== "") throw withheld(context, `refusal: ${refusal}`, usage);
    const finishReason: FinishReason =
      status === "completed" ? "stop" : cause === "max_output_tokens" ? "length" : "other";
    const found = { thinking: "", answer: text.trim(), provenance: "hidden", finishReason, usage } as const;
    return checkedReply({ ...found, shown: () => shown }, context);
  }

  #refused(error: unknown, wasBilled = false): Error {
    return streamedRefusal(error, { called: this.#context.called, hasText: this.hasText || wasBilled });
  }
}

function contentOf(output: readonly unknown[]): { readonly text: string; readonly refusal: string } {
  const parts = output
    .map(fieldsOf)
    .filter(({ type }) => type === "message")
    .flatMap(({ content }) => elementsOf(content).map(fieldsOf));
  const joined = (type: string, field: string): string =>
    parts.map((part) => (part["type"] === type ? textOf(part[field]) : "")).join("");
  return { text: joined("output_text", "text"), refusal: joined("refusal", "refusal") };
}

/** Hidden reasoning is part of the output's tokens. Undefined unless both sides are counted. */
function usageOf(reported: unknown): Usage | undefined {
  const { input_tokens, output_tokens, total_tokens, output_tokens_details } = fieldsOf(reported);
  const promptTokens = tokenCount(input_tokens);
  const output = tokenCount(output_tokens);
  if (promptTokens === undefined || output === undefined) return undefined;
  const completionTokens = Math.max(output, (tokenCount(total_tokens) ?? 0) - promptTokens);
  const reasoned = tokenCount(fieldsOf(output_tokens_details)["reasoning_tokens"]) ?? 0;
  return { promptTokens, completionTokens, reasoningTokens: Math.min(reasoned, completionTokens), isEstimated: false };
}
