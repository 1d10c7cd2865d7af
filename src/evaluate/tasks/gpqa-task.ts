/** @file GPQA-Diamond: four choices in an order that a seed and the question's own content draw, so that it can be repeated. */
import { prng } from "../../core/prng.ts";
import { gradedDraft } from "./maths-tasks.ts";
import type { QuestionDraft, TaskDefinition } from "./task-definition.ts";
import { metadataOf, rowError, type TaskRow, textField } from "./task-row.ts";
import { taskQuestionId } from "./read-questions.ts";

const NAME = "gpqa-diamond";
const LETTERS = "ABCD";
const WRONG = [1, 2, 3].map((n) => [`Incorrect Answer ${n}`, `incorrect_answer_${n}`] as const);

/**
 * A question with its choices in the order of `seed`, written as s1 asks it. The order stands in the metadata (`choices`:
 * for A to D, which of correct = 0 and wrong = 1 to 3 it shows), and the gold is the correct one's letter.
 */
function readGpqa(row: TaskRow, { seed }: { readonly seed: number }): QuestionDraft {
  const question = textField(row, ["Question", "question"]);
  const choices = [["Correct Answer", "correct_answer"] as const, ...WRONG].map((names) =>
    textField(row, names).trim(),
  );
  const repeated = choices.findIndex((choice, at) => choices.indexOf(choice) !== at);
  if (repeated >= 0) throw rowError(row, `Incorrect Answer ${repeated}`, "the same text as another choice");
  const identity = [question.trim(), ...choices];
  const order = prng(`${seed}/choices/${taskQuestionId(NAME, identity)}`).shuffle([0, 1, 2, 3]);
  const lines = order.map((choice, at) => `${LETTERS[at]}) ${choices[choice]}`);
  return gradedDraft({
    row,
    prompt: `${question}\n\n${lines.join("\n")}`,
    gold: LETTERS.charAt(order.indexOf(0)),
    goldField: "Correct Answer",
    profile: "mcq",
    identity,
    metadata: { ...metadataOf(row, ["Record ID", "Subdomain", "High-level domain"]), choices: order.join("") },
  });
}

/** GPQA-Diamond. Its authors ask that no example be revealed online: Grappa's logs of it are for your own disk. */
export const gpqaDiamond: TaskDefinition = {
  name: NAME,
  aliases: ["gpqa", "gpqa_diamond", "gpqa_diamond_openai"],
  version: "1",
  promptVersion: "choices-1",
  profile: "mcq",
  needs: [],
  duplicates: "refuse",
  questions: 198,
  source:
    "github.com/idavidrein/gpqa; Idavidrein/gpqa on the hub, file gpqa_diamond.csv (gated: accept its terms there first)",
  licence: "CC BY 4.0, gated; its authors ask that examples be not revealed online",
  layouts: ["Question, Correct Answer, Incorrect Answer 1, Incorrect Answer 2, Incorrect Answer 3"],
  read: readGpqa,
};
