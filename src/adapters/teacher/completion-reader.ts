/** @file Puts the pieces of a streamed chat or text completion together to the body that would have come whole. Pure. */
import {
  type CompletionBody,
  type CompletionContext,
  readChatCompletion,
  readTextCompletion,
  splitContinued,
} from "./chat-completion.ts";
import { elementsOf, fieldsOf, parseJson } from "./json-fields.ts";
import { streamedRefusal } from "./provider-fault.ts";
import type { TextPrompt } from "./completion-request.ts";
import { jsonOf, refuseEndless, type ReplyReader } from "./reply-reader.ts";
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
  #pattern: DeltaPattern | undefined;

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
    this.#pattern = this.#parse(data);
  }

  takeRun(text: string, start: number): number {
    const pattern = this.#pattern;
    if (pattern === undefined) return start;
    const { before, after, lead, tail } = pattern;
    const from = start + lead.length;
    if (text.slice(start, from) !== lead) return start; // startsWith compares letter by letter
    const first = text.indexOf("\n", from) - after.length; // JSON holds no line end
    if (first < from || text.slice(first, first + tail.length) !== tail) return start;
    const all = text.slice(from, text.lastIndexOf(tail)).split(tail + lead);
    // Where a line end is within, other events lie between, and the run ends before them.
    const other = all.findIndex((written) => written.includes("\n"));
    const pieces = other < 0 ? all : all.slice(0, other);
    // Mostly the pieces are the insides of JSON strings, and together one: read at once, and the stream's text let go.
    const written = pieces.join("");
    const said = textOf(written);
    if (said !== undefined) this.#add(pattern.field, said);
    else for (const piece of pieces) this.#parse(before + piece + after);
    refuseEndless(this.#length, this.#context);
    return start + written.length + pieces.length * (lead.length + tail.length);
  }

  /** Reads one event as JSON; the pattern that the next may follow, if it has one. */
  #parse(data: string): DeltaPattern | undefined {
    const { error, usage, choices } = fieldsOf(jsonOf(data, this.#context));
    if (isGiven(error)) throw streamedRefusal(error, { called: this.#context.called, hasText: this.hasText });
    if (isGiven(usage)) this.#usage = usage;
    // Where several choices come the first counts.
    const choice = elementsOf(choices)
      .map(fieldsOf)
      .find(({ index }) => !isGiven(index) || index === 0);
    if (choice !== undefined) this.#take(choice);
    return isGiven(usage) || choice === undefined ? undefined : patternOf(data, choice);
  }

  reply(): TeacherReply {
    const message = { content: this.#content, reasoning_content: this.#reasoning };
    const choice = { index: 0, finish_reason: this.#finishReason, message, text: this.#text };
    return this.#read({ choices: this.#hasChoice ? [choice] : [], usage: this.#usage });
  }

  whole(body: string): TeacherReply {
    const { error, choices } = fieldsOf(parseJson(body));
    if (isGiven(error) && !isGiven(choices))
      throw streamedRefusal(error, { called: this.#context.called, hasText: false });
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
    const finish = choice["finish_reason"];
    if (typeof finish === "string" && finish !== "") this.#finishReason = finish; // some servers send "" until the end
    if (isGiven(choice["usage"])) this.#usage = choice["usage"]; // Moonshot and others report it here
    const delta = fieldsOf(choice["delta"] ?? choice["message"]);
    this.#add("reasoning", piece(delta["reasoning_content"]) || piece(delta["reasoning"]));
    this.#add("content", piece(delta["content"]));
    this.#text += piece(choice["text"]);
    refuseEndless(this.#length, this.#context);
  }

  #add(field: DeltaPattern["field"], text: string): void {
    if (field === "content") this.#content += text;
    else this.#reasoning += text;
  }
}

/** An event's text around its one piece of the reply. Most events of a stream are alike but for that piece. */
interface DeltaPattern {
  readonly field: "content" | "reasoning_content" | "reasoning";
  readonly before: string;
  readonly after: string;
  /** The same with what frames an event in a stream. */
  readonly lead: string;
  readonly tail: string;
}

/**
 * The pattern of an event that brought a piece and nothing else that changes: parsing hundreds of such events a reply as
 * JSON was half of this client's work.
 */
function patternOf(data: string, choice: Readonly<Record<string, unknown>>): DeltaPattern | undefined {
  if ((choice["finish_reason"] ?? "") !== "") return undefined;
  const delta = fieldsOf(choice["delta"]);
  const pieces = (["content", "reasoning_content", "reasoning"] as const).filter((name) => piece(delta[name]) !== "");
  const [field] = pieces;
  if (field === undefined || pieces.length > 1) return undefined;
  const written = `"${field}":${JSON.stringify(delta[field])}`;
  const start = data.indexOf(written);
  if (start < 0 || data.includes(written, start + 1)) return undefined;
  const before = data.slice(0, start + field.length + 4);
  const after = data.slice(start + written.length - 1);
  return { field, before, after, lead: `data: ${before}`, tail: `${after}\n\n` };
}

const piece = (value: unknown): string => (typeof value === "string" ? value : "");

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** What the inside of a JSON string says; undefined where it is none. */
function textOf(written: string): string | undefined {
  try {
    const text: unknown = JSON.parse(`"${written}"`);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
