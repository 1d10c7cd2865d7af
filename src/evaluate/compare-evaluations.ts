/** @file Two evaluations of one task, paired question by question, and what may be said of their difference. */
import { holmAdjusted } from "../core/statistics/holm.ts";
import { mean } from "../core/statistics/intervals.ts";
import type {
  ComparisonFacts,
  ComparisonRow,
  Contamination,
  EvaluationComparison,
  Mismatch,
} from "../schema/evaluation-summary.ts";
import { SCHEMA_VERSION, type ThinkingSetting } from "../schema/records.ts";
import { nextStep, type Pair, pairSettings } from "./comparison-row.ts";
import { comparisonSentence } from "./comparison-sentence.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";
import { bySetting, rightShare, type SettingRows } from "./paired-questions.ts";
import { settingKey, settingPhrase } from "./settings.ts";

/** One side of a comparison. */
export interface ComparedSide {
  /** What a person calls it. */
  readonly label: string;
  readonly facts: ComparisonFacts;
  readonly rows: readonly EvaluationRow[];
  /** Of settings that name none; 0 is greedy, where more samples would only repeat what is there. */
  readonly temperature: number;
}

/** How to compare. */
export interface CompareOptions {
  /** Names the random stream of permutation tests. */
  readonly key: string;
  /** Compares in spite of mismatches, and lists them; a different task is refused all the same. */
  readonly isForced?: boolean;
  /** What was found of the task's questions in training text, if it was looked for. */
  readonly contamination?: Contamination;
}

/** A comparison, or why there is none. */
export type ComparisonOutcome =
  | { readonly kind: "compared"; readonly comparison: EvaluationComparison }
  | { readonly kind: "refused"; readonly mismatches: readonly Mismatch[] };

/**
 * Compares second with first, setting by setting, on the questions that both scored; p-values are adjusted by Holm's method
 * over the settings. Different tasks are refused; other versions of task, data or grader are too, unless forced. Settings that
 * only one side has are named; where neither side has another, one setting a side, those two are compared.
 */
export function compareEvaluations(
  first: ComparedSide,
  second: ComparedSide,
  options: CompareOptions,
): ComparisonOutcome {
  const settings = matchSettings(bySetting(first.rows), bySetting(second.rows));
  const mismatches = [...factMismatches(first.facts, second.facts), ...settings.mismatches];
  const isRefused = mismatches.some(({ field }) => field === "task") || settings.pairs.length === 0;
  const isGrave = mismatches.some(({ field }) => field !== "setting");
  if (isRefused || (isGrave && options.isForced !== true)) return { kind: "refused", mismatches };
  return {
    kind: "compared",
    comparison: {
      schemaVersion: SCHEMA_VERSION,
      first: first.label,
      second: second.label,
      task: first.facts.task,
      mismatches,
      onlyFirstSettings: settings.onlyFirst,
      onlySecondSettings: settings.onlySecond,
      rows: comparisonRows(settings.pairs, { first, second, options }),
      contamination: options.contamination ?? null,
    },
  };
}

function factMismatches(first: ComparisonFacts, second: ComparisonFacts): Mismatch[] {
  return (["task", "taskVersion", "dataSha256", "graderVersion"] as const).flatMap((field) => {
    const [a, b] = [first[field], second[field]];
    return a === null || b === null || a === b ? [] : [{ field, first: a, second: b }];
  });
}

type SettingPair = readonly [SettingRows, SettingRows];

interface MatchedSettings {
  readonly pairs: readonly SettingPair[];
  readonly onlyFirst: ThinkingSetting[];
  readonly onlySecond: ThinkingSetting[];
  readonly mismatches: readonly Mismatch[];
}

function matchSettings(first: readonly SettingRows[], second: readonly SettingRows[]): MatchedSettings {
  const keyed = new Map(second.map((group) => [settingKey(group.setting), group]));
  const pairs = first.flatMap((group): SettingPair[] => {
    const other = keyed.get(settingKey(group.setting));
    return other === undefined ? [] : [[group, other]];
  });
  if (pairs.length === 0) {
    // Each budget by its number: where they differ there is no common natural end to speak of.
    const words = (groups: readonly SettingRows[]) =>
      groups.map(({ setting }) => settingPhrase(setting, Number.POSITIVE_INFINITY)).join("; ") || "nothing";
    const mismatch: Mismatch = { field: "setting", first: words(first), second: words(second) };
    const [a, b] = [first[0], second[0]];
    const isOneEach = first.length === 1 && second.length === 1 && a !== undefined && b !== undefined;
    return { pairs: isOneEach ? [[a, b]] : [], onlyFirst: [], onlySecond: [], mismatches: [mismatch] };
  }
  const shared = new Set(pairs.map(([{ setting }]) => settingKey(setting)));
  const only = (groups: readonly SettingRows[]) =>
    groups.map(({ setting }) => setting).filter((setting) => !shared.has(settingKey(setting)));
  return { pairs, onlyFirst: only(first), onlySecond: only(second), mismatches: [] };
}

interface Sides {
  readonly first: ComparedSide;
  readonly second: ComparedSide;
  readonly options: CompareOptions;
}

function comparisonRows(pairs: readonly SettingPair[], { first, second, options }: Sides): ComparisonRow[] {
  const paired = pairs.map(([a, b]) => pairSettings(a, b, `${options.key}/${settingKey(a.setting)}`));
  const adjusted = holmAdjusted(paired.map(({ row }) => row.pValue));
  const comparisons = adjusted.filter((p) => p !== null).length;
  const isSampled = (side: ComparedSide, { setting }: SettingRows) => (setting.temperature ?? side.temperature) > 0;
  return paired.map((one, index) => {
    const adjustedPValue = adjusted[index] ?? null;
    const isGreedy = !isSampled(first, one.firstSetting) && !isSampled(second, one.secondSetting);
    const row = {
      ...one.row,
      adjustedPValue,
      next: nextStep(one, { adjustedPValue, comparisons, isGreedy }),
      clean: withoutContaminated(one.pairs, options.contamination),
    };
    return {
      ...row,
      sentence: comparisonSentence(row, { first: first.label, second: second.label, comparisons }),
    };
  });
}

function withoutContaminated(pairs: readonly Pair[], contamination: Contamination | undefined): ComparisonRow["clean"] {
  const found = new Set([...(contamination?.sameId ?? []), ...(contamination?.sharedText ?? [])]);
  const clean = pairs.filter(({ questionId }) => !found.has(questionId));
  if (clean.length === pairs.length) return null;
  const differences = clean.map((pair) => rightShare(pair.second.rows) - rightShare(pair.first.rows));
  return { questions: clean.length, difference: clean.length === 0 ? null : mean(differences) };
}
