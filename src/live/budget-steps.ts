/** The budgets that the slider stops at, tokens, rising: direct, finely where it matters, then coarser; the last is the context, where a reply ends by itself. */
export function budgetSteps(contextTokens: number): readonly number[] {
  const steps: number[] = [];
  for (let budget = 0; budget < contextTokens; budget += stride(budget)) steps.push(budget);
  return [...steps, contextTokens];
}

/** Eight tokens apart up to 64, then an eighth to a quarter of the budget. */
function stride(budget: number): number {
  return Math.max(8, 2 ** Math.floor(Math.log2(Math.max(1, budget)) - 2));
}

/** A budget in words. */
export function budgetText(budgetTokens: number, contextTokens: number): string {
  if (budgetTokens === 0) return "none: answers at once";
  return budgetTokens >= contextTokens ? "until it stops" : `${budgetTokens} tokens, then it must answer`;
}
