import type { Contamination } from "../schema/evaluation-summary.ts";

/** What is to be said of test questions in training text; nothing where none was found or nothing was checked. */
export function contaminationLines(contamination: Contamination | undefined): readonly string[] {
  if (contamination === undefined) return [];
  const { sameId, sharedText, questions, ngram } = contamination;
  if (sameId.length + sharedText.length === 0) return [];
  return [
    "",
    `  CONTAMINATED: of ${questions} questions the student was trained on ${sameId.length}, and ${sharedText.length}`,
    `  more share ${ngram} words in a row with a question that it was trained on.`,
  ];
}
