/** @file The port of a programmatic question family: seeded questions by random access, and an exact check of answers. */
import type { CodeTests } from "../schema/code-tests.ts";
import type { FamilyName } from "../schema/family-names.ts";
import type { GradeOutcome, Question } from "../schema/records.ts";

/** Which item of a family to make. */
export interface GenerateOptions {
  readonly seed: number;
  /** A level: 1 to the number of the family's levels. */
  readonly difficulty: number;
}

/** What a check needs of a question. */
export type AskedQuestion = Pick<Question, "text" | "metadata">;

/** What a check says; `gold_error`: the question is none of this family's, so nothing is said of the answer. */
export type AnswerCheck = Extract<GradeOutcome, "correct" | "incorrect" | "answer_parse_error" | "gold_error">;

/** What every family has. */
interface FamilyFacts {
  readonly name: FamilyName;
  /** One line. */
  readonly description: string;
  /** Subject, for example "number theory"; stands first in each question's own domain. */
  readonly domain: string;
  /** What difficulty 1, 2, ... mean. */
  readonly levels: readonly string[];
  /** Item `index` of the endless sequence (seed, difficulty): random access, no state. */
  generate(index: number, options: GenerateOptions): Question;
}

/** A family whose answers are checked by rule. */
export interface RuleFamily extends FamilyFacts {
  readonly checkedBy: "rule";
  /**
   * What `answerText` (an answer alone, no reasoning) is, found out from the question's own instance: its conditions are
   * checked, no stored answer is compared. The answer is untrusted text; long ones are not read.
   */
  check(question: AskedQuestion, answerText: string): AnswerCheck;
  /** Whether the answer is right: `check` says "correct". */
  verify(question: AskedQuestion, answerText: string): boolean;
}

/** A family whose answers are programs: only running them, in a sandbox, can tell. */
export interface TestsFamily extends FamilyFacts {
  readonly checkedBy: "tests";
  /** The hidden tests that a question carries; null where the question is none of this family's. */
  tests(question: AskedQuestion): CodeTests | null;
}

/** A source of questions with exact answers. */
export type Family = RuleFamily | TestsFamily;
