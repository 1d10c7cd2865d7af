/** @file Tasks whose answers the maths grader compares: AIME, MATH500 and GSM8K. Their prompt is the bare question, as s1's. */
import { compileGold, type GradeProfile, gradeAnswer } from "../../grade/grade-answer.ts";
import type { QuestionDraft, TaskDefinition } from "./task-definition.ts";
import { excerpt, fieldName, metadataOf, rowError, type TaskRow, textField } from "./task-row.ts";

/** The bare question and nothing else: no instruction, no format. */
export const BARE_PROMPT = "bare-1";

/** What {@link gradedDraft} needs of a row. */
export interface GradedRow {
  readonly row: TaskRow;
  readonly prompt: string;
  readonly gold: string;
  /** The field that the gold came from, for the message about one that cannot be read. */
  readonly goldField: string;
  readonly profile: GradeProfile;
  readonly identity: readonly string[];
  readonly metadata: QuestionDraft["metadata"];
}

/**
 * A question with a reference answer, read once here.
 *
 * @throws AppError "record-invalid" naming row and field where the gold cannot be one.
 */
export function gradedDraft({ row, prompt, gold, goldField, profile, identity, metadata }: GradedRow): QuestionDraft {
  const reading = compileGold(gold, profile);
  if (reading.status === "error")
    throw rowError(
      row,
      goldField,
      `"${excerpt(gold)}" is no reference answer for profile ${profile}: ${reading.reason}`,
    );
  const { gold: compiled } = reading;
  return { identity, prompt, gold, metadata, verify: async (reply) => gradeAnswer(compiled, reply) };
}

const PROBLEM = ["problem", "Problem", "question", "Question"] as const;
const ANSWER = ["answer", "Answer", "expected_answer", "gold", "final_answer"] as const;

function readAime(row: TaskRow): QuestionDraft {
  const prompt = textField(row, PROBLEM);
  const gold = textField(row, ANSWER).trim();
  if (!/^0*[0-9]{1,3}$/.test(gold))
    throw rowError(row, fieldName(row, ANSWER), `"${excerpt(gold)}" is no whole number from 0 to 999`);
  const metadata = metadataOf(row, ["id", "ID", "year", "url"]);
  const identity = [prompt.trim(), String(Number(gold))];
  return gradedDraft({ row, prompt, gold, goldField: fieldName(row, ANSWER), profile: "aime", identity, metadata });
}

const AIME = {
  version: "1",
  promptVersion: BARE_PROMPT,
  profile: "aime",
  needs: [],
  duplicates: "refuse",
  questions: 30,
  licence:
    "problems (c) Mathematical Association of America; cards of the sets on the hub differ (MIT, Apache-2.0, CC BY-NC-SA 4.0)",
  layouts: ["problem, answer", "ID, Problem, Solution, Answer", "id, problem, expected_answer"],
  read: readAime,
} as const;

/** AIME 2024, I and II. */
export const aime24: TaskDefinition = {
  ...AIME,
  name: "aime24",
  aliases: ["aime2024", "aime-2024", "aime24_nofigures"],
  source: "American Invitational Mathematics Examination 2024, I and II; for example Maxwell-Jia/AIME_2024 on the hub",
};

/** AIME 2025, I and II. */
export const aime25: TaskDefinition = {
  ...AIME,
  name: "aime25",
  aliases: ["aime2025", "aime-2025", "aime25_nofigures"],
  source: "American Invitational Mathematics Examination 2025, I and II; for example TIGER-Lab/AIME25 on the hub",
};

/** MATH500: the 500 test problems of MATH that "Let's verify step by step" held out. */
export const math500: TaskDefinition = {
  name: "math500",
  aliases: ["math-500", "openai_math"],
  version: "1",
  promptVersion: BARE_PROMPT,
  profile: "math",
  needs: [],
  duplicates: "refuse",
  questions: 500,
  source: "test split of prm800k (github.com/openai/prm800k); HuggingFaceH4/MATH-500 on the hub",
  licence: "MIT for prm800k and MATH; the problems are from AoPS and AMC",
  layouts: ["problem, solution, answer, subject, level, unique_id"],
  read(row) {
    const prompt = textField(row, PROBLEM);
    const gold = textField(row, ANSWER);
    const metadata = metadataOf(row, ["subject", "level", "unique_id"]);
    const identity = [prompt.trim(), gold.trim()];
    return gradedDraft({ row, prompt, gold, goldField: fieldName(row, ANSWER), profile: "math", identity, metadata });
  },
};

/** GSM8K: the reference solution ends with `#### answer`. */
export const gsm8k: TaskDefinition = {
  name: "gsm8k",
  aliases: ["gsm-8k"],
  version: "1",
  promptVersion: BARE_PROMPT,
  profile: "gsm8k",
  needs: [],
  duplicates: "refuse",
  questions: 1319,
  source: "github.com/openai/grade-school-math; openai/gsm8k on the hub",
  licence: "MIT",
  layouts: ["question, answer (ending in #### and the number)"],
  read(row) {
    const prompt = textField(row, ["question", "problem"]);
    const solution = textField(row, ["answer", "solution"]);
    const gold = /####[ \t]*([^\n]+?)\s*$/.exec(solution.slice(-1000))?.[1];
    if (gold === undefined) throw rowError(row, "answer", `no "#### number" at its end: ...${solution.slice(-40)}`);
    if (!/^[-+$]?[0-9][0-9,]*(\.[0-9]+)?$/.test(gold))
      throw rowError(row, "answer", `"${excerpt(gold)}" after #### is no number`);
    const identity = [prompt.trim(), gold];
    return gradedDraft({ row, prompt, gold, goldField: "answer", profile: "gsm8k", identity, metadata: {} });
  },
};
