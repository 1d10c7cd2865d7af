import type { ThinkingSetting } from "../schema/records.ts";
import type { Recipe } from "../schema/recipe.ts";

/** A setting's place in the sweep: no thinking, a hard cap, thinking to its own end, or forced on by the wait text. */
export type SettingKind = "direct" | "cap" | "natural" | "wait";

const KIND_ORDER: readonly SettingKind[] = ["direct", "cap", "natural", "wait"];

/**
 * Every setting that a recipe evaluates, in the order of {@link compareSettings} and without repeats: a direct answer,
 * the ladder of caps, the natural end, and the natural end put off by each number of waits. A natural end has the
 * context as its budget; a rung of the ladder that is no smaller is the natural end.
 */
export function evaluationSettings(
  { budgets, waits }: Pick<Recipe["evaluate"], "budgets" | "waits">,
  contextTokens: number,
): ThinkingSetting[] {
  const think = (budgetTokens: number, waitCount: number): ThinkingSetting => ({
    mode: "think",
    budgetTokens,
    waits: waitCount,
  });
  const settings: ThinkingSetting[] = [
    { mode: "direct", budgetTokens: 0, waits: 0 },
    ...budgets.filter((budget) => budget < contextTokens).map((budget) => think(budget, 0)),
    think(contextTokens, 0),
    ...waits.map((count) => think(contextTokens, count)),
  ];
  const distinct = new Map(settings.map((setting) => [settingKey(setting), setting]));
  return [...distinct.values()].sort((a, b) => compareSettings(a, b, contextTokens));
}

/** The kind of a setting, where `contextTokens` is the budget of a natural end. */
export function settingKind(setting: ThinkingSetting, contextTokens: number): SettingKind {
  if (setting.mode === "direct") return "direct";
  if (setting.waits > 0) return "wait";
  return setting.budgetTokens < contextTokens ? "cap" : "natural";
}

/** Order of the sweep: direct, caps from small to large, natural end, then one wait, two waits. */
export function compareSettings(a: ThinkingSetting, b: ThinkingSetting, contextTokens: number): number {
  const rank = (setting: ThinkingSetting) => KIND_ORDER.indexOf(settingKind(setting, contextTokens));
  return rank(a) - rank(b) || a.budgetTokens - b.budgetTokens || a.waits - b.waits;
}

/** A setting as a text, equal for equal settings. */
export function settingKey({ mode, budgetTokens, waits }: ThinkingSetting): string {
  return `${mode}/${budgetTokens}/${waits}`;
}

/** A setting in words: `answering directly`, `thinking up to 32 tokens`, `thinking to its natural end`, `... with 1 Wait`. */
export function settingPhrase(setting: ThinkingSetting, contextTokens: number): string {
  if (setting.mode === "direct") return "answering directly";
  const isCapped = setting.budgetTokens < contextTokens;
  const end = isCapped ? `thinking up to ${setting.budgetTokens} tokens` : "thinking to its natural end";
  if (setting.waits === 0) return end;
  return `${end} with ${setting.waits} forced ${setting.waits === 1 ? "Wait" : "Waits"}`;
}
