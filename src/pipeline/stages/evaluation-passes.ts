/** @file What an evaluation asks: held-out questions, and the passes of base and student over them. Pure. */
import { evaluationSettings } from "../../evaluate/settings.ts";
import { collectQuestions } from "../../questions/collect-questions.ts";
import { families } from "../../questions/families.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Completion, Question, ThinkingSetting } from "../../schema/records.ts";

/** The recipe's families, by name. */
export function familiesOf({ sources }: Recipe["collect"]): (keyof typeof families)[] {
  return [...new Set(sources.flatMap((source) => (source.type === "family" ? [source.family] : [])))].sort();
}

/** Held-out questions, evenly over the recipe's families. */
export function heldOutQuestions({ evaluate, collect, seed }: Recipe): Question[] {
  const names = familiesOf(collect);
  return names.flatMap((name, i) => {
    const count = Math.floor(evaluate.count / names.length) + (i < evaluate.count % names.length ? 1 : 0);
    if (count === 0) return [];
    return collectQuestions({
      family: families[name],
      count,
      difficulty: evaluate.difficulty,
      bucket: evaluate.bucket,
      seed,
    });
  });
}

/** One model under settings that share their beginnings; all greedy, or one sample of each question. */
export interface Pass {
  readonly name: Completion["model"];
  readonly settings: readonly ThinkingSetting[];
  readonly sampleIndex: number;
}

/** Base and student greedily, then the student's samples, then rejection sampling. */
export function passesOf({ evaluate }: Recipe, contextTokens: number): Pass[] {
  const natural: ThinkingSetting = { mode: "think", budgetTokens: contextTokens, waits: 0 };
  const sampled = { ...natural, temperature: evaluate.temperature };
  return [
    { name: "base", settings: [{ mode: "direct", budgetTokens: 0, waits: 0 }, natural], sampleIndex: 0 },
    { name: "student", settings: evaluationSettings(evaluate, contextTokens), sampleIndex: 0 },
    ...Array.from({ length: evaluate.samples }, (_, sampleIndex) => ({
      name: "student" as const,
      settings: [sampled],
      sampleIndex,
    })),
    ...(evaluate.reject.length === 0 ? [] : [rejectionPass(evaluate, contextTokens)]),
  ];
}

/** The student until its thinking is short enough; the first try is its first sample. */
function rejectionPass({ reject, maxTries, temperature }: Recipe["evaluate"], contextTokens: number): Pass {
  const caps = [...new Set(reject.map((cap) => Math.min(cap, contextTokens)))].sort((a, b) => a - b);
  const settings = caps.map((budgetTokens) => ({
    mode: "think" as const,
    budgetTokens,
    waits: 0,
    temperature,
    maxTries,
  }));
  return { name: "student", settings, sampleIndex: 0 };
}

/** Names the draws of a pass; undefined where it is greedy. */
export function sampleKeyOf({ settings, sampleIndex }: Pass, { seed }: Pick<Recipe, "seed">): string | undefined {
  return settings[0]?.temperature === undefined ? undefined : `${seed}/${sampleIndex}`;
}
