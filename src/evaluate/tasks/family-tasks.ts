/** @file Offline tasks: held-out questions of this repository's own families, made here and verified by running them. */
import type { Verdict } from "../../schema/evaluation.ts";
import type { Question } from "../../schema/records.ts";
import { collectQuestions } from "../../questions/collect-questions.ts";
import { chainFamilies } from "../../questions/chain-families.ts";
import type { ChainFamily } from "../../questions/chain-family.ts";
import { canonicalJson, sha256Hex } from "../../core/hash.ts";
import { gradeInteger } from "../../grade/exact.ts";
import { taskQuestionId } from "./read-questions.ts";
import type { LoadedTask, TaskQuestion } from "./task.ts";

/** Questions of a family task where no limit is given: as many as the demo is evaluated on. */
export const FAMILY_QUESTIONS = 300;

/** Steps of the questions, lowest and highest: the demo's. */
const DIFFICULTY = [3, 5] as const;

/** Names of the tasks that need no data. */
export const FAMILY_TASKS = ["arithmetic", "program"] as const;
export type FamilyTaskName = (typeof FAMILY_TASKS)[number];

/** Whether a task of that name is made here. */
export function isFamilyTask(name: string): name is FamilyTaskName {
  return (FAMILY_TASKS as readonly string[]).includes(name);
}

/**
 * `limit` questions of bucket `test`, on which no student of this repository was ever trained; the seed draws which.
 *
 * @throws AppError "limit-exceeded" where the family has not so many.
 */
export function familyTask(
  name: FamilyTaskName,
  { seed, limit = FAMILY_QUESTIONS }: { seed: number; limit?: number },
): LoadedTask {
  const family = chainFamilies[name];
  const questions = collectQuestions({ family, count: limit, difficulty: DIFFICULTY, bucket: "test", seed });
  return {
    name,
    version: "1",
    promptVersion: "bare-1",
    profile: "family",
    source: `family ${name} of grappa, bucket test, ${DIFFICULTY.join(" to ")} steps, seed ${seed}`,
    sha256: sha256Hex(canonicalJson(questions.map(({ text }) => text))),
    needs: [],
    questions: questions.map((question) => familyQuestion(name, question, family)),
  };
}

function familyQuestion(
  name: string,
  { text, answer, domain, difficulty }: Question,
  family: ChainFamily,
): TaskQuestion {
  const id = taskQuestionId(name, [text]);
  return {
    id,
    cluster: id,
    prompt: text,
    gold: answer,
    metadata: { domain, steps: difficulty },
    verify: async (reply) => verify(family, text, reply),
  };
}

function verify(family: ChainFamily, text: string, reply: string): Verdict {
  const { outcome, extracted, rule } = gradeInteger(text, reply, family.verify);
  const isCanonical = outcome === "correct" || outcome === "incorrect";
  const explanation = isCanonical
    ? `the question, executed, ${outcome === "correct" ? "gives" : "does not give"} ${extracted}`
    : "";
  return { outcome, extracted, canonical: isCanonical ? extracted : null, rule, explanation, flexible: null };
}
