/**
 * @file Grades replies to a run's questions: by the question's own family, else against its reference answer. Programs run in a
 * sandbox, which is opened when the first one is met.
 */
import { randomBytes } from "node:crypto";
import { gradeChecked } from "../../grade/checked-answer.ts";
import { DEFAULT_CODE_LIMITS } from "../../grade/code/code-limits.ts";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import { verifyCode } from "../../grade/code/verify-code.ts";
import { GoldCache } from "../../grade/gold-cache.ts";
import { gradeInteger } from "../../grade/exact.ts";
import { gradeAnswer, type GradeProfile } from "../../grade/grade-answer.ts";
import { chainFamilies } from "../../questions/chain-families.ts";
import type { ChainFamily } from "../../questions/chain-family.ts";
import { families } from "../../questions/families.ts";
import type { Family, RuleFamily, TestsFamily } from "../../questions/family.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Grade, Question } from "../../schema/records.ts";
import { openSandbox } from "../evaluation/open-sandbox.ts";

/** How answers to questions from a file are compared; stands in a question's metadata as `grader`. */
export const FILE_GRADERS: Readonly<Record<"maths" | "choice", GradeProfile>> = { maths: "math", choice: "mcq" };

/** Grades replies, and lets go of the sandbox when it is closed. */
export interface ReplyGrader {
  /**
   * The grade of a reply; `unscored` where there is neither a verifier nor a reference that a rule reads, `gold_error` where these cannot be read.
   * Rejects when aborted, and with AppError "sandbox" where a program would have to run and no sandbox works here.
   */
  grade(question: Question, reply: string): Promise<Grade>;
  close(): Promise<void>;
}

/** Opens a sandbox for generated code. */
export type OpenRunner = (signal: AbortSignal) => Promise<CodeRunner>;

/** The sandbox of a run: a whole one, or none. */
export const openRunSandbox: OpenRunner = (signal) => openSandbox({ allowPartial: false, unsafeLocal: false, signal });

/** A grader of replies to any question. */
export function openReplyGrader(signal: AbortSignal, openRunner: OpenRunner = openRunSandbox): ReplyGrader {
  let runner: Promise<CodeRunner> | undefined;
  return {
    async grade(question, reply) {
      const family = familyOf(question);
      if (family?.checkedBy !== "tests") return gradeByRule(question, reply);
      runner ??= openRunner(signal);
      return await gradeByTests(family, question, { reply, runner: await runner, signal });
    },
    close: async () => await (await runner?.catch(() => undefined))?.close(),
  };
}

/**
 * Refuses a recipe whose questions need a sandbox where none works, before anything runs.
 *
 * @throws AppError "sandbox".
 */
export async function checkSandbox({ collect }: Pick<Recipe, "collect">): Promise<void> {
  const needsSandbox = collect.sources.some(
    (source) => source.type === "family" && families[source.family].checkedBy === "tests",
  );
  if (needsSandbox) await (await openRunSandbox(new AbortController().signal)).close();
}

const golds = new GoldCache();

/** Whether right can be told from wrong without a judge: there is a verifier, tests, or a reference answer that a rule reads. */
export function canGradeByRule(question: Question): boolean {
  return hasVerifier(question) || (question.answer !== null && question.metadata.grader !== "judge");
}

/** Whether a question has a verifier or tests of its own, which no judge can know better. */
export function hasVerifier(question: Question): boolean {
  return familyOf(question) !== undefined;
}

function gradeByRule(question: Question, reply: string): Grade {
  const chain = member<ChainFamily>(chainFamilies, question.family);
  if (chain !== undefined) return gradeInteger(question.text, reply, chain.verify);
  const family = familyOf(question) as RuleFamily | undefined;
  if (family !== undefined) return gradeChecked(reply, (answer) => family.check(question, answer));
  if (question.answer === null) return { outcome: "unscored", extracted: null, rule: "no-reference" };
  if (question.metadata.grader === "judge") return { outcome: "unscored", extracted: null, rule: "judge-only" };
  const profile = question.metadata.grader === "choice" ? FILE_GRADERS.choice : FILE_GRADERS.maths;
  const reading = golds.read(question.answer, profile, {});
  if (reading.status === "error") return { outcome: "gold_error", extracted: null, rule: `${profile}/gold` };
  const { outcome, extracted, rule } = gradeAnswer(reading.gold, reply);
  return { outcome, extracted, rule: `${profile}/${rule}` };
}

async function gradeByTests(
  family: TestsFamily,
  question: Question,
  { reply, runner, signal }: { reply: string; runner: CodeRunner; signal: AbortSignal },
): Promise<Grade> {
  const spec = family.tests(question);
  if (spec === null) return { outcome: "gold_error", extracted: null, rule: "code/tests" };
  const nonce = randomBytes(16).toString("hex");
  const found = await verifyCode({ spec, reply, runner, limits: DEFAULT_CODE_LIMITS, nonce }, signal);
  return { outcome: found.outcome, extracted: found.extracted, rule: found.rule };
}

function familyOf({ family }: Question): Family | undefined {
  return member<Family>(families, family);
}

/** A record's own member: a family's name comes from a file, and may be `constructor`. */
function member<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
