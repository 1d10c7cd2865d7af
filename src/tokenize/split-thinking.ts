/** Thinking and answer of a text, ends trimmed. */
export interface SplitText {
  readonly thinking: string;
  readonly answer: string;
}

const ANSWER = "<|im_start|>answer";
const HEADING = /^\s*(?:<\|im_start\|>)?think\n/;
const END = "<|im_end|>";

/**
 * Divides what a model of s1's format wrote after the assistant's header: `<|im_start|>think`, its thinking,
 * `<|im_start|>answer`, its answer. Servers that drop special tokens leave the words `think` and `answer` on lines of
 * their own. Thinking without an answer leaves the answer empty; null where the text is not of this format.
 *
 * @source s1.md 4.2
 */
export function splitThinking(text: string): SplitText | null {
  const at = text.indexOf(ANSWER);
  if (at >= 0) return { thinking: thinkingOf(text.slice(0, at)), answer: answerOf(text.slice(at + ANSWER.length)) };
  if (!HEADING.test(text)) return null;
  const body = text.replace(HEADING, "\n");
  const line = body.indexOf("\nanswer\n");
  if (line < 0) return { thinking: body.trim(), answer: "" };
  return { thinking: body.slice(0, line).trim(), answer: answerOf(body.slice(line + "\nanswer\n".length)) };
}

function thinkingOf(text: string): string {
  return text.replace(HEADING, "").trim();
}

function answerOf(text: string): string {
  const end = text.indexOf(END);
  return (end < 0 ? text : text.slice(0, end)).trim();
}
