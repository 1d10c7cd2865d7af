import type { Recipe } from "../schema/recipe.ts";
import type { GradeOutcome } from "../schema/records.ts";
import { type QualityRules, S1_QUALITY, strictQuality } from "./quality.ts";
import { longestThinking } from "./student-size.ts";

/** The parts of a recipe that say which traces are fit. */
export type TraceRulesRecipe = Pick<Recipe, "select" | "student" | "curate">;

/**
 * Which checks a recipe's traces go through: as lenient as s1 where its quality is `s1`; else all, and the language where it is
 * `strict`.
 */
export function traceRules(recipe: TraceRulesRecipe): QualityRules {
  const { select, student, curate } = recipe;
  const limits = { requireCorrect: select.requireCorrect, maxThinkingTokens: longestThinking(recipe) };
  if (curate?.quality === "s1") return { ...S1_QUALITY, ...limits };
  const language = curate?.quality === "strict" && curate.language === "en" ? "en" : undefined;
  // A rule for the embedded student; a right trace that was paid for is not dropped for how its thinking ends.
  return { ...strictQuality(limits), requireConclusion: student.hosted === undefined, language };
}

/** Whether s1 would drop a trace for its missing grade, right or wrong as it may be: nobody could tell which. */
export function isUngradedForS1({ curate }: TraceRulesRecipe, outcome: GradeOutcome | undefined): boolean {
  return curate?.quality === "s1" && (outcome === undefined || outcome === "unscored" || outcome === "gold_error");
}
