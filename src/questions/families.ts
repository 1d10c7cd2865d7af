import { arithmetic } from "./arithmetic.ts";
import type { Family } from "./family.ts";
import { program } from "./program.ts";
import type { Problem } from "./steps.ts";

/** The programmatic families by the name that a recipe uses. */
export const families: Readonly<Record<Family["name"], Family>> = { arithmetic, program };

/** Reads a question of any family; null when none knows the text. */
export function parseProblem(questionText: string): Problem | null {
  return arithmetic.parse(questionText) ?? program.parse(questionText);
}
