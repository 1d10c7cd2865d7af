import type { Recipe } from "../schema/recipe.ts";
import { type QualityRules, S1_QUALITY, strictQuality } from "./quality.ts";
import { longestThinking } from "./student-size.ts";

/** What of `curate` the choice among traces depends on; nothing where it asks for no quality. */
export function traceRulesConfig({ curate }: Pick<Recipe, "curate">): Partial<Pick<QualityRules, "language">> & {
  quality?: string;
} {
  if (curate?.quality === undefined) return {};
  return { quality: curate.quality, ...(asksForEnglish({ curate }) ? { language: "en" } : {}) };
}

/**
 * The rules that traces are held to: as lenient as s1 where the recipe's `curate.quality` says so, else strict, and in English
 * where that is strict too. A length and correctness are the recipe's own either way.
 */
export function traceRules({ curate, select, student }: Pick<Recipe, "curate" | "select" | "student">): QualityRules {
  const { requireCorrect } = select;
  const maxThinkingTokens = longestThinking({ select, student });
  if (curate?.quality === "s1") return { ...S1_QUALITY, requireCorrect, maxThinkingTokens };
  return {
    ...strictQuality({ requireCorrect, maxThinkingTokens }),
    // A rule for the embedded student; a right trace that was paid for is not dropped for how its thinking ends.
    requireConclusion: student.hosted === undefined,
    ...(asksForEnglish({ curate }) ? { language: "en" } : {}),
  };
}

function asksForEnglish({ curate }: { readonly curate: Recipe["curate"] }): boolean {
  return curate?.quality === "strict" && curate.language === "en";
}
