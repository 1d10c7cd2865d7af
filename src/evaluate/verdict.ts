/**
 * @file Whether the student reasons better than its base, in numbers and in one honest sentence. The base is taken at
 * its best setting on these very questions, which favours the base; the student at its natural end, decided beforehand,
 * never at whatever setting came out best.
 */
import type { Interval } from "../core/statistics/intervals.ts";
import type { Completion, ThinkingSetting } from "../schema/records.ts";
import { comparePaired, PAIRED_TEST, type PairedComparison } from "./paired.ts";
import { isCorrect } from "./score.ts";
import { compareSettings, settingKey, settingKind, settingPhrase } from "./settings.ts";

/** What forcing `waits` continuations did to the student's answers, question by question. */
export interface WaitComparison {
  readonly waits: number;
  readonly n: number;
  readonly wrongToRight: number;
  readonly rightToWrong: number;
  /** Two-sided exact McNemar; null when n is 0. */
  readonly pValue: number | null;
}

/** Student against base on the same questions. */
export interface Verdict {
  readonly pValue: number | null;
  /** Plain English, true as it stands alone. */
  readonly sentence: string;
  /** Name of the paired test. */
  readonly test: string;
  /** Student's accuracy minus the base's, -1 to 1. */
  readonly difference: number | null;
  /** 95 % score interval (Tango) of the difference. */
  readonly interval: Interval | null;
  readonly discordant: { readonly onlyStudent: number; readonly onlyBase: number };
  /** The base's best setting, which the student was compared with; null when the base was not evaluated. */
  readonly baseSetting: ThinkingSetting | null;
  readonly studentSetting: ThinkingSetting | null;
  /** The student's natural end against each number of waits, fewest first. */
  readonly waits: readonly WaitComparison[];
  /** The student's smallest cap against its natural end; null when either is missing. */
  readonly rise: PairedComparison | null;
}

/** Below this, differences are called significant. */
export const SIGNIFICANCE = 0.05;
/** Fewer questions than this are called few: even 50 against 75 % right is then easily missed. */
const FEW_QUESTIONS = 50;

/**
 * The verdict over all completions of a run.
 * @param contextTokens the budget of a natural end
 */
export function judge(
  completions: readonly Completion[],
  { contextTokens }: { readonly contextTokens: number },
): Verdict {
  const student = bySetting(completions, "student", contextTokens);
  const base = best(bySetting(completions, "base", contextTokens));
  const natural = student.find(({ setting }) => settingKind(setting, contextTokens) === "natural");
  const comparison = comparePaired(base?.rows ?? [], natural?.rows ?? []);
  const smallest = student.find(({ setting }) => settingKind(setting, contextTokens) === "cap");
  const waits = student.filter(({ setting }) => settingKind(setting, contextTokens) === "wait");
  return {
    pValue: comparison.pValue,
    sentence: verdictSentence(comparison, base && settingPhrase(base.setting, contextTokens)),
    test: PAIRED_TEST,
    difference: comparison.difference,
    interval: comparison.interval,
    discordant: { onlyStudent: comparison.onlySecond, onlyBase: comparison.onlyFirst },
    baseSetting: base?.setting ?? null,
    studentSetting: natural?.setting ?? null,
    waits: natural ? waits.map((wait) => compareWait(natural.rows, wait)) : [],
    rise: smallest && natural ? comparePaired(smallest.rows, natural.rows) : null,
  };
}

/** Rows of one setting. */
interface SettingRows {
  readonly setting: ThinkingSetting;
  readonly rows: readonly Completion[];
}

function bySetting(completions: readonly Completion[], model: Completion["model"], contextTokens: number) {
  const groups = new Map<string, { setting: ThinkingSetting; rows: Completion[] }>();
  for (const completion of completions) {
    if (completion.model !== model) continue;
    const key = settingKey(completion.setting);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { setting: completion.setting, rows: [completion] });
    else group.rows.push(completion);
  }
  return [...groups.values()].sort((a, b) => compareSettings(a.setting, b.setting, contextTokens));
}

/** The setting with the highest accuracy, the first of the sweep among equals. */
function best(settings: readonly SettingRows[]): SettingRows | undefined {
  const accuracy = ({ rows }: SettingRows): number => rows.filter(isCorrect).length / rows.length;
  let top = settings[0];
  for (const setting of settings) if (top !== undefined && accuracy(setting) > accuracy(top)) top = setting;
  return top;
}

function compareWait(natural: readonly Completion[], wait: SettingRows): WaitComparison {
  const { waits } = wait.setting;
  const { n, onlyFirst, onlySecond, pValue } = comparePaired(natural, wait.rows);
  return { waits, n, wrongToRight: onlySecond, rightToWrong: onlyFirst, pValue };
}

/**
 * One sentence (two where the first needs a caution) on a comparison of base (first) and student (second).
 * @param basePhrase what the base did at its best, for example `answering directly`
 */
export function verdictSentence(comparison: PairedComparison, basePhrase: string | undefined): string {
  const { n, first, second, pValue, difference, interval } = comparison;
  if (first === null || second === null || pValue === null || difference === null || interval === null) {
    return "Base and student have answered no question in common, so nothing can be said.";
  }
  const questions = n === 1 ? "the 1 held-out question" : `the same ${n} held-out questions`;
  const scores = `On ${questions} the student, thinking to its natural end, is right on ${percent(second)} and its base at its best (${basePhrase ?? "answering"}) on ${percent(first)}`;
  const spread = `${signed(difference)} points, 95 % interval ${signed(interval[0])} to ${signed(interval[1])}`;
  const chance = `${PAIRED_TEST} ${pText(pValue)}`;
  const caution = n < FEW_QUESTIONS ? ` ${n} ${n === 1 ? "question is" : "questions are"} few: ${FEW_CAUTION}` : "";
  if (pValue >= SIGNIFICANCE) {
    // The exact test is the stricter of the two: at its edge the interval may leave 0 out.
    const edge =
      interval[0] > 0 || interval[1] < 0 ? " The interval leaves out 0, but the stricter exact test decides." : "";
    return `${scores}: no difference that chance could not have made (${spread}; ${chance}).${edge}${caution}`;
  }
  const word = difference > 0 ? "better" : "worse";
  return `${scores}: the student is ${word} (${spread}; ${chance}).${caution}`;
}

const FEW_CAUTION = "treat the size of the difference as a rough guess.";

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A difference of shares as points with a sign, the minus as U+2212; 0.0 has none. */
export function signed(share: number): string {
  const text = Math.abs(100 * share).toFixed(1);
  if (Number(text) === 0) return text;
  return share < 0 ? `−${text}` : `+${text}`;
}

/** `p = 0.034`, `p < 0.001`; never `p = 0.000`, and never rounded up to the limit it is below. */
export function pText(p: number): string {
  if (p < 0.001) return "p < 0.001";
  if (p < SIGNIFICANCE) return `p = ${Math.min(p, SIGNIFICANCE - 0.001).toFixed(3)}`;
  return `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`;
}
