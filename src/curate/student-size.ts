/**
 * @file How long the thinking may be that a student of some size is taught with. A rule of thumb of ours, not a measurement:
 * students of 1.5 and 7 billion parameters got worse on s1's long traces (ten threads of its users, s1.md section 8), and those
 * up to 3 billion learned more from short traces, or a mix (arXiv 2502.12143).
 */
import type { Recipe } from "../schema/recipe.ts";
import { billionParameters } from "../ledger/fine-tune-price.ts";

const CAPS: readonly { readonly belowBillions: number; readonly tokens: number }[] = [
  { belowBillions: 0.1, tokens: 1_024 },
  { belowBillions: 2, tokens: 2_048 },
  { belowBillions: 4, tokens: 4_096 },
  { belowBillions: 10, tokens: 8_192 },
];

/** Most thinking tokens for a student of so many parameters; undefined where it is large enough for any. */
export function lengthCap(parameters: number): number | undefined {
  return CAPS.find(({ belowBillions }) => parameters < belowBillions * 1e9)?.tokens;
}

/** Parameters of a recipe's student by its name, such as `Qwen2.5-1.5B-Instruct`; undefined where it tells none. */
export function parametersByName({ base }: Recipe["student"]): number | undefined {
  const billions = billionParameters(base.split(/[\\/]/).at(-1) ?? "");
  return billions === undefined ? undefined : billions * 1e9;
}

/** Longest thinking that the recipe selects, tokens: its own limit, or with `capBySize` that of the student's size if lower. */
export function longestThinking({ select, student }: Pick<Recipe, "select" | "student">): number {
  const { maxThinkingTokens, capBySize = false } = select;
  const parameters = capBySize ? parametersByName(student) : undefined;
  return Math.min(maxThinkingTokens, (parameters !== undefined && lengthCap(parameters)) || maxThinkingTokens);
}
