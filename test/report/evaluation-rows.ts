/** @file Small evaluations for tests: a string a question, a letter a sample. */
import { shortHash } from "../../src/core/hash.ts";
import type { ComparedSide } from "../../src/evaluate/compare-evaluations.ts";
import type { EvaluationRow } from "../../src/evaluate/evaluation-rows.ts";
import type { GradeOutcome, ThinkingSetting } from "../../src/schema/records.ts";

/** Thinking to the natural end of 4,096 tokens. */
export const NATURAL: ThinkingSetting = { mode: "think", budgetTokens: 4_096, waits: 0 };

const OUTCOMES: Readonly<Record<string, GradeOutcome>> = {
  "+": "correct",
  "0": "no_answer",
  p: "answer_parse_error",
  l: "answer_limit",
  t: "timeout",
  g: "gold_error",
  u: "unscored",
};

/**
 * Rows of questions q0, q1, ...: `+` right (answer "42"), `0` no answer, `p` unparsable, `l` too large, `t` slow, `g` broken
 * gold, `u` unscored; any other letter is a wrong answer of its own.
 */
export function rowsOf(questions: readonly string[], extra: Partial<EvaluationRow> = {}): EvaluationRow[] {
  return questions.flatMap((letters, question) =>
    [...letters].map((letter, sampleIndex): EvaluationRow => {
      const outcome = OUTCOMES[letter] ?? "incorrect";
      const answerClass = outcome === "correct" ? "42" : outcome === "incorrect" ? letter : null;
      const questionId = questionIdOf(question);
      const place = { questionId, cluster: questionId, setting: NATURAL, sampleIndex };
      const facts = {
        outcome,
        flexibleOutcome: null,
        answerClass,
        thinkingTokens: 100,
        spentTokens: 120,
        isTruncated: false,
      };
      return { ...place, ...facts, isThinkingCut: false, costMicroUsd: 0, ...extra };
    }),
  );
}

/** Id of the question at an index. */
export function questionIdOf(index: number): string {
  return shortHash(`question ${index}`);
}

/** A side of a comparison with these rows, sampled at temperature 1. */
export function sideOf(label: string, rows: readonly EvaluationRow[], extra: Partial<ComparedSide> = {}): ComparedSide {
  const facts = { task: "aime24", taskVersion: "1", dataSha256: "a".repeat(64), graderVersion: "1" };
  return { label, facts, rows, temperature: 1, ...extra };
}
