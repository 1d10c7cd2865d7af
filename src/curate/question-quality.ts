/** @file Whether a question is fit to be asked, by rule: as s1 checked (s1.md 2.2 and 2.3), or more strictly. */
import type { Question } from "../schema/records.ts";
import { notEnglish } from "./language.ts";
import { partition, type StageResult } from "./stage-result.ts";

/** Why a question is dropped. */
export type QuestionReason =
  | "figure-code"
  | "image"
  | "several-problems"
  | "bold-number"
  | "empty-question"
  | "no-reference"
  | "wrong-language"
  | "too-long";

/** What is wrong with a question. */
export interface QuestionFault {
  readonly reason: QuestionReason;
  /** What was found, for a reader. */
  readonly detail: string;
}

/**
 * s1's four format checks, exactly: `[asy]`, `![Image]`, `p1.` to `p999.` anywhere (so `Cp2.` counts), and bold without spaces
 * with a digit after its start on the line. What is from AIME may have `[asy]`, and is then not checked further.
 *
 * @param source s1's source_type, for example `qq8933/AIME_1983_2024`
 */
export function s1FormatFault(text: string, source: string): QuestionFault | null {
  if (text.includes("[asy]")) return source.includes("AIME") ? null : { reason: "figure-code", detail: "[asy]" };
  if (text.includes("![Image]")) return { reason: "image", detail: "![Image]" };
  const problem = /p[1-9][0-9]{0,2}\./.exec(text);
  if (problem !== null) return { reason: "several-problems", detail: problem[0] };
  const bold = boldNumber(text);
  return bold === null ? null : { reason: "bold-number", detail: bold };
}

/** Where s1's `[^\s\]]` ends: Python's white space, and the bracket. */
const BOLD_END = /[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\]]/u;

/**
 * The first match of `\*\*(?=.*\d)[^\s\]]*\*\*` as Python reads it, or null. By hand, since the pattern takes quadratic time on a
 * line of asterisks: of a stretch without spaces the first `**` and the last are the two that match, if any do.
 */
function boldNumber(text: string): string | null {
  if (!text.includes("**")) return null;
  for (const line of text.split("\n")) {
    const lastDigit = line.search(/\p{Nd}\P{Nd}*$/u);
    let start = 0;
    for (const stretch of line.split(BOLD_END)) {
      const first = stretch.indexOf("**");
      const last = stretch.lastIndexOf("**");
      if (first >= 0 && last >= first + 2 && lastDigit >= start + first + 2) return stretch.slice(first, last + 2);
      start += stretch.length + 1;
    }
  }
  return null;
}

/** What a strict check asks of a question. */
export interface StrictQuestionRules {
  /** Language that it must not plainly differ from; absent: any. */
  readonly language?: "en" | undefined;
  /** Whether something other than a reference answer grades it, such as tests; absent: nothing does. */
  readonly isVerifiable?: ((question: Question) => boolean) | undefined;
  /** Its length in the student's tokens, and the most that fit; absent: not checked. */
  readonly length?: { readonly tokensOf: (text: string) => number; readonly maxTokens: number } | undefined;
}

/** What makes a question unfit to be taught with, or null. */
export function strictFault(question: Question, rules: StrictQuestionRules): QuestionFault | null {
  const { text, answer } = question;
  if (text.trim() === "") return { reason: "empty-question", detail: "" };
  if (answer === null && rules.isVerifiable?.(question) !== true) return { reason: "no-reference", detail: "" };
  const foreign = rules.language === "en" ? notEnglish(text) : null;
  if (foreign !== null) return { reason: "wrong-language", detail: foreign };
  const tokens = rules.length?.tokensOf(text) ?? 0;
  if (rules.length !== undefined && tokens > rules.length.maxTokens)
    return { reason: "too-long", detail: `${tokens} tokens, limit ${rules.length.maxTokens}` };
  return null;
}

/** The questions without a fault; one dropped row, with its fault, for each other. Order is kept. */
export function checkQuestions(
  questions: readonly Question[],
  faultOf: (question: Question) => QuestionFault | null,
): StageResult<Question> {
  return partition(questions, "quality", (question) => {
    const fault = faultOf(question);
    return fault && { id: question.id, ...fault };
  });
}
