import { arithmetic } from "./arithmetic.ts";
import type { ChainFamily } from "./chain-family.ts";
import { program } from "./program.ts";
import type { Problem } from "./steps.ts";

/** The programmatic families by the name that a recipe uses. */
export const chainFamilies: Readonly<Record<ChainFamily["name"], ChainFamily>> = { arithmetic, program };

/** Reads a question of any family; null when none knows the text. */
export function parseProblem(questionText: string): Problem | null {
  return arithmetic.parse(questionText) ?? program.parse(questionText);
}
