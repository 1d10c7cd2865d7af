import { GoldCache } from "../../grade/gold-cache.ts";
import { gradeInteger } from "../../grade/exact.ts";
import { gradeAnswer, type GradeProfile } from "../../grade/grade-answer.ts";
import { families } from "../../questions/families.ts";
import type { Family } from "../../questions/family.ts";
import type { Grade, Question } from "../../schema/records.ts";

/** How answers to questions from a file are compared; stands in a question's metadata as `grader`. */
export const FILE_GRADERS: Readonly<Record<"maths" | "choice", GradeProfile>> = { maths: "math", choice: "mcq" };

const golds = new GoldCache();

/** Whether a rule can tell right from wrong: there is a verifier, or a reference answer that a rule can read. */
export function canGradeByRule(question: Question): boolean {
  return familyOf(question) !== undefined || (question.answer !== null && question.metadata.grader !== "judge");
}

/**
 * Grades a reply by rule: by its family's verifier, else against the reference answer; `unscored` where there is neither, or
 * where the reference is for a judge to read; `gold_error` where the reference cannot be read.
 */
export function gradeReply(question: Question, reply: string): Grade {
  const family = familyOf(question);
  if (family !== undefined) return gradeInteger(question.text, reply, family.verify);
  if (question.answer === null) return { outcome: "unscored", extracted: null, rule: "no-reference" };
  if (question.metadata.grader === "judge") return { outcome: "unscored", extracted: null, rule: "judge-only" };
  const profile = question.metadata.grader === "choice" ? FILE_GRADERS.choice : FILE_GRADERS.maths;
  const reading = golds.read(question.answer, profile, {});
  if (reading.status === "error") return { outcome: "gold_error", extracted: null, rule: `${profile}/gold` };
  const { outcome, extracted, rule } = gradeAnswer(reading.gold, reply);
  return { outcome, extracted, rule: `${profile}/${rule}` };
}

/** Whether a question has a verifier of its own, which no judge can know better. */
export function hasVerifier(question: Question): boolean {
  return familyOf(question) !== undefined;
}

function familyOf({ family }: Question): Family | undefined {
  return Object.values(families).find(({ name }) => name === family);
}
