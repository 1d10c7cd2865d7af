/** @file Puts the pieces of a streamed chat or text completion together to the body that would have come whole. Pure. */
import {
  type CompletionBody,
  type CompletionContext,
  readChatCompletion,
  readTextCompletion,
  splitContinued,
} from "./chat-completion.ts";
import { elementsOf, fieldsOf } from "./json-fields.ts";
import { streamedRefusal } from "./provider-fault.ts";
import type { TextPrompt } from "./completion-request.ts";
import { jsonOf, malformed, MAX_REPLY_CHARACTERS, type ReplyReader } from "./reply-reader.ts";
import type { PartialReply, TeacherReply } from "./teacher.ts";

/** What kind of reply is read. */
export interface CompletionForm {
  /** How the text of an endpoint that completes text is divided; undefined for a chat. */
  readonly text: Pick<TextPrompt, "split" | "splitContinued"> | undefined;
  /** What the reply goes on from, if from anything. */
  readonly goOnFrom: PartialReply | undefined;
}

/** Reads one reply of a server that speaks OpenAI's completions, streamed or whole. */
export class CompletionReader implements ReplyReader {
  readonly #context: CompletionContext;
  readonly #form: CompletionForm;
  #reasoning = "";
  #content = "";
  #text = "";
  #hasChoice = false;
  #finishReason: string | undefined;
  #usage: unknown;
  #isDone = false;

  constructor(context: CompletionContext, form: CompletionForm) {
    this.#context = context;
    this.#form = form;
  }

  get hasText(): boolean {
    return this.#length > 0;
  }

  get isComplete(): boolean {
    return this.#isDone || this.#finishReason !== undefined;
  }

  get #length(): number {
    return this.#reasoning.length + this.#content.length + this.#text.length;
  }

  event(data: string): void {
    if (data === "[DONE]") {
      this.#isDone = true;
      return;
    }
    const { error, usage, choices } = fieldsOf(jsonOf(data, this.#context));
    if (isGiven(error)) throw streamedRefusal(error, { called: this.#context.called, hasText: this.hasText });
    if (isGiven(usage)) this.#usage = usage;
    // Where several choices come the first counts.
    const choice = elementsOf(choices)
      .map(fieldsOf)
      .find(({ index }) => !isGiven(index) || index === 0);
    if (choice !== undefined) this.#take(choice);
  }

  reply(): TeacherReply {
    const message = { content: this.#content, reasoning_content: this.#reasoning };
    const choice = { index: 0, finish_reason: this.#finishReason, message, text: this.#text };
    return this.#read({ choices: this.#hasChoice ? [choice] : [], usage: this.#usage });
  }

  whole(body: string): TeacherReply {
    return this.#read(body);
  }

  #read(body: CompletionBody): TeacherReply {
    const { text, goOnFrom } = this.#form;
    const context = this.#context;
    if (goOnFrom === undefined)
      return text === undefined ? readChatCompletion(body, context) : readTextCompletion(body, context, text.split);
    const isOver = goOnFrom.isThinkingOver || goOnFrom.answer !== "";
    const reply =
      text === undefined
        ? readChatCompletion(body, context, (message) => splitContinued(message, isOver))
        : readTextCompletion(body, context, (said) => text.splitContinued(said, isOver));
    // A begun thought that goes on has no opening tag, and while it lasts no closing one: what came is thinking.
    if (isOver || reply.thinking !== "" || reply.finishReason !== "length") return reply;
    return { ...reply, thinking: reply.answer, answer: "" };
  }

  #take(choice: Readonly<Record<string, unknown>>): void {
    this.#hasChoice = true;
    if (typeof choice["finish_reason"] === "string") this.#finishReason = choice["finish_reason"];
    if (isGiven(choice["usage"])) this.#usage = choice["usage"]; // Moonshot and others report it here
    const delta = fieldsOf(choice["delta"] ?? choice["message"]);
    this.#reasoning += piece(delta["reasoning_content"] ?? delta["reasoning"]);
    this.#content += piece(delta["content"]);
    this.#text += piece(choice["text"]);
    if (this.#length > MAX_REPLY_CHARACTERS)
      throw malformed(this.#context, `a reply that exceeds ${MAX_REPLY_CHARACTERS} characters`);
  }
}

const piece = (value: unknown): string => (typeof value === "string" ? value : "");

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
