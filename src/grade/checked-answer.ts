import type { Grade, GradeOutcome } from "../schema/records.ts";
import { extractAnswer, MAX_REPLY_LENGTH } from "./extract-answer.ts";
import { answerRegion } from "./extract/answer-region.ts";
import { lastBoxed } from "./extract/boxed.ts";

/** What a question's own check says of an answer's text; `gold_error`: it does not know the question. */
export type CheckAnswer = (
  answerText: string,
) => Extract<GradeOutcome, "correct" | "incorrect" | "answer_parse_error" | "gold_error">;

/** A reply of one line that is no longer than this may be an answer alone, characters. */
const MAX_BARE_LENGTH = 600;

interface Candidate {
  readonly text: string;
  readonly rule: string;
}

/**
 * Grades a reply by a check of the answer alone: what follows the last `Answer:`, else the last `\boxed{}`, else a reply of one
 * line. The first of these that can be read decides.
 */
export function gradeChecked(reply: string, check: CheckAnswer): Grade {
  if (reply.length > MAX_REPLY_LENGTH) return { outcome: "answer_limit", extracted: null, rule: "reply-length" };
  const stated = extractAnswer(reply);
  if (stated.status === "limit") return { outcome: "answer_limit", extracted: null, rule: stated.rule };
  const candidates = [
    ...(stated.status === "found" && stated.rule === "answer-line" ? [stated] : []),
    ...otherCandidates(answerRegion(reply)),
  ];
  const [first] = candidates;
  if (first === undefined) return { outcome: "no_answer", extracted: null, rule: "no-answer-line" };
  for (const { text, rule } of candidates) {
    const outcome = check(text);
    if (outcome !== "answer_parse_error") return { outcome, extracted: text, rule: `${rule}/checked` };
  }
  return { outcome: "answer_parse_error", extracted: first.text, rule: `${first.rule}/checked` };
}

function otherCandidates(region: string): Candidate[] {
  const boxed = lastBoxed(region);
  const isBare = region !== "" && region.length <= MAX_BARE_LENGTH && !region.includes("\n");
  return [
    ...(boxed === null ? [] : [{ text: boxed.trim(), rule: "boxed" }]),
    ...(isBare ? [{ text: region, rule: "whole" }] : []),
  ];
}
