/**
 * @file Reads Gemini's answers: a GenerateContentResponse, whole or one in each event of a stream. Pure. Shapes:
 * ai.google.dev/api/generate-content and /gemini-api/docs/thinking, read 2026-11.
 */
import type { FinishReason, Usage } from "../../schema/records.ts";
import { excerptOf } from "./excerpt.ts";
import { elementsOf, fieldsOf, textOf } from "./json-fields.ts";
import { streamedRefusal } from "./provider-fault.ts";
import {
  blocked,
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

/** Ends that no other try will change: the answer recites, or a filter holds it back. */
const WITHHELD = new Set(["RECITATION", "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"]);
const FINISH: Readonly<Record<string, FinishReason>> = { STOP: "stop", MAX_TOKENS: "length" };

/** See the file's head. */
export class GeminiReader implements ReplyReader {
  readonly #context: ReplyContext;
  #thinking = "";
  #answer = "";
  #finish = "";
  #block = "";
  #usage: Usage | undefined;

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
    return this.#finish !== "" || this.#block !== "";
  }

  event(data: string): void {
    this.#take(jsonOf(data, this.#context));
    refuseEndless(this.#characters, this.#context);
  }

  whole(body: string): TeacherReply {
    const json = jsonOf(body, this.#context);
    for (const part of Array.isArray(json) ? json : [json]) this.#take(part);
    if (!this.isComplete)
      throw malformed(this.#context, `without a candidate that ended: ${excerptOf(body)}`, this.#usage);
    return this.reply();
  }

  reply(): TeacherReply {
    const usage = this.#usage;
    const isMade = this.hasText || this.#finish !== "";
    if (this.#block !== "") throw (isMade ? withheld : blocked)(this.#context, this.#block, usage);
    if (WITHHELD.has(this.#finish)) throw withheld(this.#context, this.#finish, usage);
    const thinking = this.#thinking.trim();
    const found = { thinking, answer: this.#answer.trim(), finishReason: FINISH[this.#finish] ?? "other", usage };
    // Thoughts come as summaries, and not at all from models that were not asked to think.
    return checkedReply({ ...found, provenance: thinking === "" ? "hidden" : "summary" }, this.#context);
  }

  #take(json: unknown): void {
    const { error, promptFeedback, candidates, usageMetadata } = fieldsOf(json);
    if (error !== undefined && error !== null)
      throw streamedRefusal(error, { called: this.#context.called, hasText: this.hasText });
    this.#block = textOf(fieldsOf(promptFeedback)["blockReason"]) || this.#block;
    this.#usage = usageOf(usageMetadata) ?? this.#usage;
    const candidate = elementsOf(candidates)
      .map(fieldsOf)
      .find(({ index }) => index === undefined || index === 0);
    if (candidate === undefined) return;
    for (const part of elementsOf(fieldsOf(candidate["content"])["parts"])) {
      const { text, thought } = fieldsOf(part);
      if (thought === true) this.#thinking += textOf(text);
      else this.#answer += textOf(text);
    }
    this.#finish = textOf(candidate["finishReason"]) || this.#finish;
  }
}

/** Thoughts are billed as output, and stand beside the candidates' tokens. Undefined where nothing is counted. */
function usageOf(reported: unknown): Usage | undefined {
  const counts = fieldsOf(reported);
  const prompt = tokenCount(counts["promptTokenCount"]);
  if (prompt === undefined) return undefined;
  const promptTokens = prompt + (tokenCount(counts["toolUsePromptTokenCount"]) ?? 0);
  const thoughts = tokenCount(counts["thoughtsTokenCount"]) ?? 0;
  const said = (tokenCount(counts["candidatesTokenCount"]) ?? 0) + thoughts;
  const completionTokens = Math.max(said, (tokenCount(counts["totalTokenCount"]) ?? 0) - promptTokens);
  return { promptTokens, completionTokens, reasoningTokens: thoughts, isEstimated: false };
}
