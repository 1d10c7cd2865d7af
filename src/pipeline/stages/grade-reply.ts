import { AppError } from "../../core/errors.ts";
import { gradeInteger } from "../../grade/exact.ts";
import { families } from "../../questions/families.ts";
import type { Grade, Question } from "../../schema/records.ts";

/** Grades a reply to a question by its family's verifier. Throws `record-invalid` for a family that has none here. */
export function gradeReply(question: Question, reply: string): Grade {
  const family = Object.values(families).find(({ name }) => name === question.family);
  if (!family) {
    throw new AppError(
      "record-invalid",
      `question ${question.id} is of family "${question.family}", which has no verifier`,
      {
        hint: `families with verifiers: ${Object.keys(families).join(", ")}`,
      },
    );
  }
  return gradeInteger(question.text, reply, family.verify);
}
