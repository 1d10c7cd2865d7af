import type { Grade } from "../schema/records.ts";
import { extractAnswer } from "./extract-answer.ts";
import { canonicalInteger } from "./integer-answer.ts";

/** Whether a canonical answer is what the question's text works out to; a question family's `verify`. */
export type VerifyAnswer = (questionText: string, answerText: string) => boolean;

/**
 * Grades a reply to a question whose answer is an integer: extract, bring to one spelling, verify against the question
 * itself. The rule names both steps, for example `answer-line/integer`.
 *
 * @returns `extracted` is the canonical integer, the answer's raw text when that is no integer, or null
 */
export function gradeInteger(questionText: string, reply: string, verify: VerifyAnswer): Grade {
  const extraction = extractAnswer(reply);
  switch (extraction.status) {
    case "none":
      return { outcome: "no_answer", extracted: null, rule: extraction.rule };
    case "limit":
      return { outcome: "answer_limit", extracted: null, rule: extraction.rule };
    case "found": {
      const answer = canonicalInteger(extraction.text);
      const rule = `${extraction.rule}/integer`;
      if (answer === null) return { outcome: "answer_parse_error", extracted: extraction.text, rule };
      return { outcome: verify(questionText, answer) ? "correct" : "incorrect", extracted: answer, rule };
    }
  }
}
