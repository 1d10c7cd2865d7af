/**
 * @file Conversations by a folder's own chat template, as text and as ids. In ids, control tokens come only from the
 * template and from the delimiters that we place: the template is rendered around placeholders, and what people wrote
 * is put in afterwards as text.
 */
import { Template } from "@huggingface/jinja";
import type { AppError } from "../core/errors.ts";
import type { Tokenizer } from "./build-tokenizer.ts";
import { type ThinkingStyle } from "./thinking-style.ts";
import { corruptTokenizer } from "./tokenizer-parts.ts";

/** One turn. An assistant's `content` is its answer; `thinking` stands before it, if it is known and wanted. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  readonly thinking?: string;
}

/** How a conversation is rendered. */
export interface ChatOptions {
  /** End with the header of the assistant's next turn. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** Keep the thinking of turns before the last user message. Default false: a student never trained on it. */
  readonly keepThinking?: boolean;
  /** How an assistant's thinking and answer are written. Default "s1". */
  readonly style?: ThinkingStyle;
}

/** What a template puts around one assistant's turn. */
export interface TurnFrame {
  /** `<|im_start|>assistant\n` and the like: where the loss begins, and where a decoder takes over. */
  readonly header: readonly number[];
  /** `<|im_end|>\n` and the like. */
  readonly end: readonly number[];
  readonly endText: string;
}

/** A chat template bound to its tokenizer. */
export interface ChatTemplate {
  /** The text of a conversation, for people and for servers that take text. */
  renderText(messages: readonly ChatMessage[], options?: ChatOptions): string;
  /** Its ids. Equal to `encodeControl(renderText(...))` wherever no message spells a control token. */
  encodePrompt(messages: readonly ChatMessage[], options?: ChatOptions): number[];
  /**
   * What stands around an assistant's turn, found by rendering one.
   *
   * @throws {AppError} tokenizer-corrupt: the template opens no turn for the assistant, or never closes one.
   */
  frame(): TurnFrame;
}

const MAX_TEMPLATE_UNITS = 65_536;
// Private-use characters: a template that contains them is refused, and messages never pass through the template.
const PLACEHOLDER = /\uE000(\d+)\uE001/u;
/** A template that writes today's date would write another tomorrow; without a clock it falls back to a fixed one. */
const WITHOUT_CLOCK = "{% set strftime_now = nothing %}";
/** White space by Python's `strip`, and so by a template's `trim` where students are served; JavaScript has U+FEFF too, but not all of these. */
const PYTHON_SPACE = /[\p{White_Space}\x1c-\x1f]/u;
/** What is white space to one of the two alone. */
const DISPUTED = /[\ufeff\x85\x1c-\x1f]/u;

/** Where a text begins and ends without the characters around it that `isSpace`. By a walk: a pattern would try every blank within. */
function coreOf(text: string, isSpace: (character: string) => boolean): readonly [start: number, end: number] {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start] as string)) start += 1;
  while (end > start && isSpace(text[end - 1] as string)) end -= 1;
  return [start, end];
}

/** Whether Python and JavaScript would strip a text differently. */
function hasDisputedEnds(text: string): boolean {
  const [start, end] = coreOf(text, (character) => PYTHON_SPACE.test(character) || DISPUTED.test(character));
  return DISPUTED.test(text.slice(0, start)) || DISPUTED.test(text.slice(end));
}

/** A text as Python's `strip` leaves it. */
function strippedByPython(text: string): string {
  return text.slice(...coreOf(text, (character) => PYTHON_SPACE.test(character)));
}

/** White space at the ends of a message, which is left in the template's sight, for some trim what they are given; and what is between. */
function splitEnds(text: string): readonly [before: string, core: string, after: string] {
  const core = text.trim();
  const start = core === "" ? text.length : text.length - text.trimStart().length;
  return [text.slice(0, start), core, text.slice(start + core.length)];
}

/**
 * Compiles a template in Jinja.
 *
 * @throws {AppError} tokenizer-corrupt when the template cannot be parsed, or (later) rendered.
 */
export function loadChatTemplate(source: string, tokenizer: Tokenizer): ChatTemplate {
  const template = compile(source);
  const render = (messages: readonly ChatMessage[], options: ChatOptions, write: (text: string) => string): string => {
    const variables = {
      messages: prepare(messages, options, write),
      add_generation_prompt: options.addGenerationPrompt ?? true,
      keep_thinking: options.keepThinking ?? false,
      bos_token: tokenizer.bosText,
    };
    try {
      return template.render(variables);
    } catch (error) {
      throw templateError(error);
    }
  };
  const direct: Render = (messages, options) => render(messages, options, (text) => text);
  // Only what users write is known to be trimmed; found out when it first matters.
  let isTrimming: boolean | undefined;
  const trimsUsers = (): boolean =>
    (isTrimming ??= !direct([{ role: "user", content: " \uE000 " }], {}).includes(" \uE000 "));
  const around = (messages: readonly ChatMessage[], options: ChatOptions): Placeholders => {
    const texts: string[] = [];
    const isStripped = messages.some(({ content }) => hasDisputedEnds(content)) && trimsUsers();
    const asTrimmed = messages.map((message) =>
      isStripped && message.role === "user" ? { ...message, content: strippedByPython(message.content) } : message,
    );
    const rendered = render(asTrimmed, options, (text) => {
      const [before, core, after] = isStripped ? ["", text, ""] : splitEnds(text);
      return `${before}\uE000${texts.push(core) - 1}\uE001${after}`;
    });
    return { rendered, texts };
  };
  return {
    renderText: (messages, options = {}) => {
      if (!messages.some(({ content }) => hasDisputedEnds(content))) return direct(messages, options);
      const { rendered, texts } = around(messages, options);
      return rendered.replace(new RegExp(PLACEHOLDER, "gu"), (_, place: string) => texts[Number(place)] ?? "");
    },
    encodePrompt: (messages, options = {}) => {
      const { rendered, texts } = around(messages, options);
      return encodeAround(tokenizer, rendered, texts);
    },
    frame: () => findFrame(tokenizer, direct),
  };
}

type Render = (messages: readonly ChatMessage[], options: ChatOptions) => string;

/** A conversation rendered around its texts. */
interface Placeholders {
  readonly rendered: string;
  readonly texts: readonly string[];
}

/** Renders a turn of placeholders and takes it apart. */
function findFrame(tokenizer: Tokenizer, render: Render): TurnFrame {
  const asked = { role: "user", content: "\uE000" } as const;
  const before = render([asked], { addGenerationPrompt: false });
  const prompt = render([asked], { addGenerationPrompt: true });
  if (!prompt.startsWith(before) || prompt.length === before.length)
    throw corruptTokenizer("chat template", "add_generation_prompt opens no turn for the assistant");
  const whole = render([asked, { role: "assistant", content: "\uE001" }], { addGenerationPrompt: false });
  const endText = whole.slice(whole.lastIndexOf("\uE001") + 1);
  const end = tokenizer.encodeControl(endText);
  if (!whole.includes("\uE001") || !end.includes(tokenizer.controlIds.imEnd))
    throw corruptTokenizer("chat template", "an assistant's turn is not closed by the tokenizer's end of turn");
  return { header: tokenizer.encodeControl(prompt.slice(before.length)), end, endText };
}

function compile(source: string): Template {
  if (source.length > MAX_TEMPLATE_UNITS)
    throw corruptTokenizer("chat template", `${source.length} characters exceed the limit of ${MAX_TEMPLATE_UNITS}`);
  if (/[\uE000\uE001]/u.test(source))
    throw corruptTokenizer("chat template", "contains the private-use characters U+E000 or U+E001");
  try {
    return new Template(source.includes("strftime_now") ? WITHOUT_CLOCK + source : source);
  } catch (error) {
    throw templateError(error);
  }
}

function templateError(error: unknown): AppError {
  return corruptTokenizer(
    "chat template",
    error instanceof Error ? error.message.slice(0, 300) : "cannot be rendered",
    error,
  );
}

/** Messages as a template sees them: an assistant's content is its delimiters and what it thought and answered. */
function prepare(
  messages: readonly ChatMessage[],
  { keepThinking = false, style = "s1" }: ChatOptions,
  write: (text: string) => string,
): { role: string; content: string }[] {
  const lastUser = messages.map((message) => message.role).lastIndexOf("user");
  return messages.map(({ role, content, thinking }, index) => {
    if (role !== "assistant") return { role, content: write(content) };
    const isKept = thinking !== undefined && (keepThinking || index > lastUser);
    if (style === "think")
      return { role, content: `${isKept ? `<think>\n${write(thinking)}\n</think>\n\n` : ""}${write(content)}` };
    const thought = isKept ? `<|im_start|>think\n${write(thinking)}\n` : "";
    return { role, content: `${thought}<|im_start|>answer\n${write(content)}` };
  });
}

/** Ids of rendered text. Text between two control tokens is encoded as a whole, so that pieces meet as they would in one text. */
function encodeAround(tokenizer: Tokenizer, rendered: string, texts: readonly string[]): number[] {
  const ids: number[] = [];
  let run = "";
  const flush = (): void => {
    // Not push(...): a long message has more ids than a call may have arguments.
    for (const id of tokenizer.encodeUser(run)) ids.push(id);
    run = "";
  };
  // split() with a capturing group puts the placeholders' numbers at odd places.
  rendered.split(PLACEHOLDER).forEach((part, index) => {
    if (index % 2 === 1) {
      run += texts[Number(part)] ?? "";
      return;
    }
    for (const piece of tokenizer.splitControl(part)) {
      if (typeof piece === "string") run += piece;
      else {
        flush();
        ids.push(piece);
      }
    }
  });
  flush();
  return ids;
}
