import type { ThinkingSetting } from "../schema/records.ts";
import type { Recipe } from "../schema/recipe.ts";

/** A setting's place in the sweep: no thinking, a hard cap, thinking to its own end, or forced on by the wait text. */
export type SweepKind = "direct" | "cap" | "natural" | "wait";

/** The same, and what is no part of the sweep: forced on without a word, sampled until short enough, or sampled for a vote. */
export type SettingKind = SweepKind | "silent" | "rejection" | "sampled";

const KIND_ORDER: readonly SettingKind[] = ["direct", "cap", "natural", "wait", "silent", "rejection", "sampled"];

/**
 * Every setting that a recipe evaluates, in the order of {@link compareSettings} and without repeats: a direct answer,
 * the ladder of caps, the natural end, the natural end put off by each number of waits, and the same without a word. A
 * natural end has the context as its budget; a rung of the ladder that is no smaller is the natural end. All are greedy.
 */
export function evaluationSettings(
  { budgets, waits, continuations }: Pick<Recipe["evaluate"], "budgets" | "waits" | "continuations">,
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
    ...continuations.map((count) => ({ ...think(contextTokens, count), silent: true as const })),
  ];
  const distinct = new Map(settings.map((setting) => [settingKey(setting), setting]));
  return [...distinct.values()].sort((a, b) => compareSettings(a, b, contextTokens));
}

/** How the base tries the questions before anything is bought. */
export function attemptSettings({
  modes,
  thinkBudgetTokens,
}: Pick<Recipe["attempt"], "modes" | "thinkBudgetTokens">): ThinkingSetting[] {
  return [...new Set(modes)].map((mode) => ({
    mode,
    budgetTokens: mode === "think" ? thinkBudgetTokens : 0,
    waits: 0,
  }));
}

/** The kind of a setting, where `contextTokens` is the budget of a natural end. */
export function settingKind(setting: ThinkingSetting, contextTokens: number): SettingKind {
  if (setting.maxTries !== undefined) return "rejection";
  if (setting.temperature !== undefined) return "sampled";
  if (setting.mode === "direct") return "direct";
  if (setting.waits > 0) return setting.silent ? "silent" : "wait";
  return setting.budgetTokens < contextTokens ? "cap" : "natural";
}

/** Whether a setting is a point of s1's sweep: greedy, and forced on by nothing but the wait text. */
export function isOfSweep({ silent, temperature }: ThinkingSetting): boolean {
  return silent === undefined && temperature === undefined;
}

/** The setting without its temperature: its place in a sweep whose settings are all sampled alike. */
export function asGreedy({ temperature: _, ...setting }: ThinkingSetting): ThinkingSetting {
  return setting;
}

/**
 * Order of the sweep: direct, caps from small to large, natural end, then one wait, two waits; then what is no part of it. What is
 * sampled comes after what is greedy, in the same order.
 */
export function compareSettings(a: ThinkingSetting, b: ThinkingSetting, contextTokens: number): number {
  const rank = (setting: ThinkingSetting): number =>
    KIND_ORDER.indexOf(settingKind(asGreedy(setting), contextTokens)) +
    (setting.temperature === undefined ? 0 : KIND_ORDER.length);
  return rank(a) - rank(b) || a.budgetTokens - b.budgetTokens || a.waits - b.waits;
}

/** A setting as a text, equal for equal settings. */
export function settingKey({ mode, budgetTokens, waits, silent, temperature, maxTries }: ThinkingSetting): string {
  const sampled = temperature === undefined ? "" : `/t${temperature}`;
  const tried = maxTries === undefined ? "" : `/x${maxTries}`;
  return `${mode}/${budgetTokens}/${waits}${silent ? "/silent" : ""}${sampled}${tried}`;
}

/** A setting in words: `answering directly`, `thinking up to 32 tokens`, `thinking to its natural end`, `... with 1 Wait`. */
export function settingPhrase(setting: ThinkingSetting, contextTokens: number): string {
  if (setting.temperature !== undefined) {
    return `${settingPhrase(asGreedy(setting), contextTokens)}, sampled at temperature ${setting.temperature}`;
  }
  if (setting.maxTries !== undefined) {
    const tries = setting.maxTries === 1 ? "once" : `up to ${setting.maxTries} times`;
    return `tried ${tries} until thinking ends within ${setting.budgetTokens} tokens`;
  }
  if (setting.mode === "direct") return "answering directly";
  const isCapped = setting.budgetTokens < contextTokens;
  const end = isCapped ? `thinking up to ${setting.budgetTokens} tokens` : "thinking to its natural end";
  if (setting.waits === 0) return end;
  if (setting.silent) return `${end} with ${setting.waits} ${setting.waits === 1 ? "end" : "ends"} swallowed`;
  return `${end} with ${setting.waits} forced ${setting.waits === 1 ? "Wait" : "Waits"}`;
}
