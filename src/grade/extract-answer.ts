/** @file Where a reply states its final answer, found by rule in linear time; the reply is untrusted text. */

/** Longest answer that is looked at, characters; a longer one is reported as such, never cut and compared. */
export const MAX_ANSWER_LENGTH = 4_096;
/** Longest reply that is searched, characters. */
export const MAX_REPLY_LENGTH = 1_048_576;

/** What was found, and by which rule: closed, so that graders and votes treat every case. */
export type Extraction =
  | { readonly status: "found"; readonly text: string; readonly rule: "answer-line" | "bare-integer" }
  | { readonly status: "none"; readonly rule: "empty" | "no-answer-line" }
  | { readonly status: "limit"; readonly rule: "reply-length" | "answer-length" };

const ANSWER_HEADING = "<|im_start|>answer";
/** `Answer:` or `Final Answer:` in any case; the answer is the rest of the line, or the next line that has text. */
const ANSWER_LABEL = /\banswer\s*:[*_]{0,3}/giu;
const BARE_INTEGER = /^[-+−]?[0-9][0-9,]*\.?$/u;

/**
 * The text of a reply's final answer: what follows the last `Answer:` of the answer region, else the region itself when
 * it is nothing but an integer. The region is what follows the last answer heading, or the whole reply without one.
 */
export function extractAnswer(reply: string): Extraction {
  if (reply.length > MAX_REPLY_LENGTH) return { status: "limit", rule: "reply-length" };
  const heading = reply.lastIndexOf(ANSWER_HEADING);
  const region = (heading === -1 ? reply : reply.slice(heading + ANSWER_HEADING.length)).trim();
  if (region === "") return { status: "none", rule: "empty" };
  let labelEnd = -1;
  for (const match of region.matchAll(ANSWER_LABEL)) labelEnd = match.index + match[0].length;
  if (labelEnd !== -1) return found(firstLine(region.slice(labelEnd)), "answer-line");
  if (region.length > MAX_ANSWER_LENGTH) return { status: "none", rule: "no-answer-line" };
  const bare = region.normalize("NFKC");
  return BARE_INTEGER.test(bare) ? found(bare, "bare-integer") : { status: "none", rule: "no-answer-line" };
}

function firstLine(text: string): string {
  const [line = ""] = text.trimStart().split("\n", 1);
  return line.trimEnd();
}

function found(text: string, rule: "answer-line" | "bare-integer"): Extraction {
  if (text.length > MAX_ANSWER_LENGTH) return { status: "limit", rule: "answer-length" };
  return text === "" ? { status: "none", rule: "empty" } : { status: "found", text, rule };
}
