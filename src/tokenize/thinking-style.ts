/**
 * @file How a student's reply is written: thinking, answer, and the delimiters between which they stand, as text and as
 * ids. Two styles:
 *
 *     s1      <|im_start|>think\n{T}\n<|im_start|>answer\n{A}      alone: <|im_start|>answer\n{A}
 *     think   <think>\n{T}\n</think>\n\n{A}                        alone: <think>\n\n</think>\n\n{A}
 *
 * @source s1.md 4.2; the form of `think` is that of Qwen3's chat template.
 */
import { AppError } from "../core/errors.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Which delimiters a student thinks between. */
export type ThinkingStyle = Recipe["tokenize"]["style"];

/** A reply's thinking and answer; null where it has none. */
export interface ReplyTexts {
  /** null: the answer alone. */
  readonly thinking: string | null;
  /** null: the reply ends after its thinking. */
  readonly answer: string | null;
}

/** A style in a tokenizer's ids. */
export interface ReplyForm {
  readonly style: ThinkingStyle;
  /** Whether each delimiter begins with a token of its own, which no text can produce and at which a decoder can stop. */
  readonly hasOwnTokens: boolean;
  /** Ids that open the thinking. */
  readonly thinkOpen: readonly number[];
  /** Ids that end the thinking and open the answer. */
  readonly answerOpen: readonly number[];
  /** Ids that open an answer without thinking. */
  readonly directOpen: readonly number[];
  /** The first delimiter that the text spells, if any: such a text cannot be told from the delimiters around it. */
  spelledIn(text: string): string | undefined;
  encode(texts: ReplyTexts): number[];
  render(texts: ReplyTexts): string;
}

const DELIMITERS = { s1: ["<|im_start|>"], think: ["<think>", "</think>"] } as const;

/**
 * A style's form for a tokenizer.
 *
 * @throws {AppError} usage: s1's style where the tokenizer has no `<|im_start|>`.
 */
export function replyForm(tokenizer: Tokenizer, style: ThinkingStyle): ReplyForm {
  const hasOwnTokens = DELIMITERS[style].every((spelling) => tokenizer.addedTokens.has(spelling));
  if (style === "s1" && !hasOwnTokens) throw noImStart();
  const text = (plain: string): number[] => tokenizer.encodeUser(plain);
  const ids = (parts: readonly string[]): number[] =>
    parts.flatMap((part) => {
      const isDelimiter = hasOwnTokens && (DELIMITERS[style] as readonly string[]).includes(part);
      const id = isDelimiter ? tokenizer.addedTokens.get(part) : undefined;
      return id === undefined ? text(part) : [id];
    });
  const write = style === "s1" ? writeS1 : hasOwnTokens ? writeThink : writeThinkAsText;
  return {
    style,
    hasOwnTokens,
    ...openings(style, hasOwnTokens, ids),
    spelledIn: (plain) => DELIMITERS[style].find((spelling) => plain.includes(spelling)),
    encode: (texts) => ids(write(texts)),
    render: (texts) => write(texts).join(""),
  };
}

function openings(
  style: ThinkingStyle,
  hasOwnTokens: boolean,
  ids: (parts: readonly string[]) => number[],
): Pick<ReplyForm, "thinkOpen" | "answerOpen" | "directOpen"> {
  if (style === "s1") {
    const answerOpen = ids(["<|im_start|>", "answer"]);
    return { thinkOpen: ids(["<|im_start|>", "think"]), answerOpen, directOpen: answerOpen };
  }
  if (hasOwnTokens)
    return {
      thinkOpen: ids(["<think>"]),
      answerOpen: ids(["</think>"]),
      directOpen: ids(["<think>", "\n\n", "</think>", "\n\n"]),
    };
  return {
    thinkOpen: ids(["<think>\n"]),
    answerOpen: ids(["</think>\n\n"]),
    directOpen: ids(["<think>\n\n", "</think>\n\n"]),
  };
}

// Each list's texts are encoded one by one. They are cut only at control tokens, or where a line feed ends a piece in every
// layout, so that the ids are those of the whole text.

function writeS1({ thinking, answer }: ReplyTexts): string[] {
  const thought = thinking === null ? [] : ["<|im_start|>", `think\n${thinking}\n`];
  return answer === null ? thought : [...thought, "<|im_start|>", `answer\n${answer}`];
}

function writeThink({ thinking, answer }: ReplyTexts): string[] {
  const thought = ["<think>", thinking === null ? "\n\n" : `\n${thinking}\n`];
  return answer === null ? thought : [...thought, "</think>", `\n\n${answer}`];
}

function writeThinkAsText({ thinking, answer }: ReplyTexts): string[] {
  const thought = thinking === null ? ["<think>\n\n"] : ["<think>\n", `${thinking}\n`];
  return answer === null ? thought : [...thought, "</think>\n\n", answer];
}

function noImStart(): AppError {
  return new AppError(
    "usage",
    "the student's tokenizer has no \"<|im_start|>\", which s1's style puts around thinking and answer",
    {
      hint: 'set tokenize.style to "think": it is possible with every tokenizer',
      data: { style: "s1", possible: ["think"] },
    },
  );
}
