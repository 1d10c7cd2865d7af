/** @file How one student is spoken to and how it replies: its tokenizer, its chat template and a thinking style, together. */
import type { ChatTemplate, TurnFrame } from "./chat.ts";
import { type ReplyForm, replyForm, type ReplyTexts, type ThinkingStyle } from "./thinking-style.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** How a student is spoken to and how it replies. */
export interface StudentFormat {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly form: ReplyForm;
  readonly frame: TurnFrame;
}

/** The texts of an example. */
export interface ExampleTexts {
  readonly question: string;
  /** null: the answer alone, as a direct answer is decoded. */
  readonly thinking: string | null;
  readonly answer: string;
}

/** What an example must be, told by its texts alone. */
export interface ExpectedExample {
  /** What the decoder sends for the question: the prompt, and the delimiter that it forces. */
  readonly sentIds: readonly number[];
  /** What a server makes of the same conversation, rendered as text by the template. */
  readonly servedIds: readonly number[];
  /** The whole text that the ids must decode to. */
  readonly text: string;
  readonly hasThinking: boolean;
}

/**
 * A student's format from its folder's tokenizer and template.
 *
 * @throws {AppError} usage: a style that its tokenizer has no tokens for; tokenizer-corrupt: a template that opens or closes
 *   no turn.
 */
export function studentFormat(
  { tokenizer, chatTemplate }: { readonly tokenizer: Tokenizer; readonly chatTemplate: ChatTemplate },
  style: ThinkingStyle,
): StudentFormat {
  return { tokenizer, template: chatTemplate, form: replyForm(tokenizer, style), frame: chatTemplate.frame() };
}

/** The text of an answer: trimmed, and prefixed with `Answer: ` unless it says `Answer:` somewhere. */
export function answerText(answer: string): string {
  return (answer.includes("Answer:") ? answer : `Answer: ${answer}`).trim();
}

/** The reply as it is written: thinking and answer trimmed, the answer prefixed. */
export function replyOf({ thinking, answer }: ExampleTexts): ReplyTexts {
  return { thinking: thinking?.trim() ?? null, answer: answerText(answer) };
}

/** What an example of these texts must be. */
export function expectExample(
  { tokenizer, template, form, frame }: StudentFormat,
  texts: ExampleTexts,
): ExpectedExample {
  const asked = [{ role: "user", content: texts.question }] as const;
  const prompt = template.renderText(asked);
  const hasThinking = texts.thinking !== null;
  return {
    sentIds: [...template.encodePrompt(asked), ...(hasThinking ? form.thinkOpen : form.directOpen)],
    servedIds: tokenizer.encodeControl(prompt),
    text: tokenizer.normalise(`${prompt}${form.render(replyOf(texts))}${frame.endText}`),
    hasThinking,
  };
}
