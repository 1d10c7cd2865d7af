import { decodeRows, type GenerateOptions } from "./generate.ts";
import type { Generation, RowRequest } from "./row.ts";
import type { BudgetSetting } from "./thinking-budget.ts";
import type { TokenSource } from "./token-source.ts";

/**
 * Decodes every prompt under every setting, at about the cost of the longest setting and one answer for each other:
 * thinking under a cap is a prefix of thinking without it, and thinking with one "Wait" is a prefix of thinking with
 * two. The results are those of `generate` for each prompt and setting.
 *
 * @returns for each prompt one generation a setting, in the order of `settings`
 * @throws {AppError} as `generate`
 */
export async function sweep(
  source: TokenSource,
  prompts: readonly Omit<RowRequest, "settings">[],
  options: GenerateOptions & { readonly settings: readonly BudgetSetting[] },
): Promise<Generation[][]> {
  const { settings } = options;
  const order = sweepOrder(settings);
  const ordered = order.map((index) => settings[index] as BudgetSetting);
  const rows = await decodeRows(
    source,
    prompts.map((prompt) => ({ ...prompt, settings: ordered })),
    options,
  );
  return rows.map((generations) => {
    const restored: Generation[] = [];
    order.forEach((index, place) => {
      restored[index] = generations[place] as Generation;
    });
    return restored;
  });
}

/** The places of the settings in the order in which one prompt is decoded under all of them at the least cost. */
export function sweepOrder(settings: readonly BudgetSetting[]): number[] {
  return settings.map((_, index) => index).sort((a, b) => longestFirst(settings, a, b));
}

/** Later settings then leave the slot at ever shorter prefixes, and nothing is decoded or read twice. */
function longestFirst(settings: readonly BudgetSetting[], a: number, b: number): number {
  const key = (index: number): readonly number[] => {
    const { mode, waits, budgetTokens, minThinkingTokens = 0 } = settings[index] as BudgetSetting;
    return mode === "direct" ? [0, 0, 0, 0] : [1, minThinkingTokens, waits, budgetTokens];
  };
  const [left, right] = [key(a), key(b)];
  const differing = left.findIndex((value, index) => value !== right[index]);
  return differing === -1 ? a - b : (right[differing] as number) - (left[differing] as number);
}
