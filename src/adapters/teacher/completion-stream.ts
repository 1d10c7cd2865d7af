/** @file Puts the pieces of a streamed chat or text completion together to the body that would have come whole. Pure. */
import { excerptOf } from "./excerpt.ts";
import { streamedRefusal } from "./provider-fault.ts";
import type { SseEvent } from "./sse.ts";
import { TeacherError } from "./teacher.ts";

/** Takes the events of one reply. */
export class CompletionStream {
  readonly #called: string;
  readonly #thinking: string[] = [];
  readonly #content: string[] = [];
  readonly #text: string[] = [];
  #hasChoice = false;
  #finishReason: string | undefined;
  #usage: unknown;
  #isDone = false;

  constructor(called: string) {
    this.#called = called;
  }

  /**
   * Takes one event.
   * @returns whether it brought text of the reply.
   * @throws {TeacherError} `malformed`: no JSON object; `broken` or `malformed`: the server reports an error.
   */
  take({ event, data }: SseEvent): boolean {
    if (data === "[DONE]") {
      this.#isDone = true;
      return false;
    }
    const chunk = parseObject(data);
    if (chunk === undefined)
      throw new TeacherError("malformed", `${this.#called}'s stream holds no JSON: ${excerptOf(data)}`);
    if (event === "error" || isGiven(chunk["error"])) throw this.#refused(chunk);
    if (isGiven(chunk["usage"])) this.#usage = chunk["usage"];
    const choices = chunk["choices"];
    let hasText = false;
    if (Array.isArray(choices)) for (const choice of choices) if (this.#choice(choice)) hasText = true;
    return hasText;
  }

  /**
   * The whole body.
   * @throws {TeacherError} `broken`: the stream ended before the reply did.
   */
  body(): Readonly<Record<string, unknown>> {
    if (!this.#isDone && this.#finishReason === undefined) throw endedEarly(this.#called);
    if (!this.#hasChoice) return { choices: [], usage: this.#usage };
    const message = { content: this.#content.join(""), reasoning_content: this.#thinking.join("") };
    const choice = { index: 0, finish_reason: this.#finishReason, message, text: this.#text.join("") };
    return { choices: [choice], usage: this.#usage };
  }

  /** A choice's piece; whether it brought text. Where several choices come the first counts. */
  #choice(choice: unknown): boolean {
    if (!isObject(choice) || (isGiven(choice["index"]) && choice["index"] !== 0)) return false;
    this.#hasChoice = true;
    if (typeof choice["finish_reason"] === "string") this.#finishReason = choice["finish_reason"];
    const usage = choice["usage"]; // Moonshot and others report it here
    if (isGiven(usage)) this.#usage = usage;
    const delta = isObject(choice["delta"]) ? choice["delta"] : isObject(choice["message"]) ? choice["message"] : {};
    const thinking = delta["reasoning_content"] ?? delta["reasoning"];
    const hasThinking = keep(this.#thinking, thinking);
    const hasContent = keep(this.#content, delta["content"]);
    return keep(this.#text, choice["text"]) || hasThinking || hasContent;
  }

  #refused(chunk: Readonly<Record<string, unknown>>): TeacherError {
    const error = isObject(chunk["error"]) ? chunk["error"] : chunk;
    const type = [error["type"], error["code"]].filter((part) => typeof part === "string").join(" ");
    return streamedRefusal(type, JSON.stringify(chunk), this.#called);
  }
}

/** A stream that ended in good order, but before its reply: it may be billed. */
export function endedEarly(called: string): TeacherError {
  return new TeacherError("broken", `${called}'s stream ended before its reply did`);
}

function keep(pieces: string[], piece: unknown): boolean {
  if (typeof piece !== "string" || piece === "") return false;
  pieces.push(piece);
  return true;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
