/** @file The answer in five seconds: one sentence, two numbers, and what the paired test says. */
import type { Score } from "../../schema/records.ts";
import { count, parameterCount, percent, percentInterval, points, pValue, signed } from "../number-format.ts";
import { oneLine, TEXT_CAPS } from "../plain-text.ts";
import type { RunResults } from "../run-results.ts";
import { bestBase, naturalStudent } from "../settings.ts";

/** One of the two big numbers, with what it is and how sure it is. */
export interface BigNumber {
  readonly value: string;
  readonly label: string;
  readonly detail: string;
}

/** The top of the page. */
export interface Headline {
  readonly sentence: string;
  readonly base: BigNumber;
  readonly student: BigNumber;
  /** The verdict's own sentence, as the evaluation wrote it. */
  readonly verdict: string;
  /** What the sentence leaves out: discordant questions, and the rise from the smallest budget to the natural end. */
  readonly evidence: string;
  /** Whether the gain is beyond chance: decides what the sentence claims. */
  readonly isGain: boolean;
}

/** The headline speaks of a gain below this p: the limit below which the verdict calls a difference one. */
const CLAIM_LIMIT = 0.05;

/** How many examples the student was trained on: what tokenization kept, else selection, else what the recipe asks. */
export function exampleCount({ funnel, recipe }: RunResults): number {
  const kept = (name: string) => funnel.find(({ stage }) => stage === name)?.kept;
  return kept("tokenize") ?? kept("select") ?? recipe.select.count;
}

/** A share for display type: no decimals, unless that would turn a few into none or most into all. */
function bigPercent(share: number | null): string {
  const isLost = share !== null && ((share > 0 && share < 0.005) || (share < 1 && share >= 0.995));
  return percent(share, isLost ? 1 : 0);
}

function bigNumber(score: Score | undefined, label: string): BigNumber {
  if (score === undefined || score.accuracy === null) return { value: "–", label, detail: "not scored" };
  const interval = percentInterval(score.interval);
  return { value: bigPercent(score.accuracy), label, detail: `n = ${count(score.n)}, 95 % interval ${interval}` };
}

function sentenceOf(results: RunResults, isGain: boolean): string {
  const [base, student] = [bestBase(results)?.accuracy ?? null, naturalStudent(results)?.accuracy ?? null];
  if (base === null || student === null) return "Nothing was scored, so this run shows neither a gain nor a loss.";
  const size = parameterCount(results.student.parameters);
  const examples = count(exampleCount(results));
  const [before, after] = [bigPercent(base), bigPercent(student)];
  if (isGain) {
    return `A model of ${size} parameters read ${examples} worked solutions. It now answers ${after} of unseen questions; before, ${before}.`;
  }
  const claim = student > base ? "No clear gain" : "No gain";
  return `${claim}: after ${examples} worked solutions a model of ${size} parameters answers ${after} of unseen questions; before, ${before}.`;
}

function evidenceOf({ verdict }: RunResults): string {
  const { discordant, rise } = verdict;
  const counts = `Only the student was right on ${count(discordant.onlyStudent)}, only the base on ${count(discordant.onlyBase)} (${oneLine(verdict.test)}, ${pValue(verdict.pValue)}).`;
  if (rise === null || rise.difference === null) return counts;
  const { interval } = rise;
  const range = interval === null ? "" : `, 95 % interval ${signed(interval[0] * 100)} to ${signed(interval[1] * 100)}`;
  return `${counts} From its smallest budget to its natural end the student gains ${points(rise.difference)}${range} (${pValue(rise.pValue)}).`;
}

/** The headline of a run: claims a gain only where the paired test allows it. */
export function headlineOf(results: RunResults): Headline {
  const { verdict } = results;
  const isGain = verdict.pValue !== null && verdict.pValue < CLAIM_LIMIT && (verdict.difference ?? 0) > 0;
  const base = bestBase(results);
  const setting = base?.setting.mode === "think" ? "told to think" : "direct answer";
  return {
    sentence: sentenceOf(results, isGain),
    base: bigNumber(base, base === undefined ? "base" : `base at its best: ${setting}`),
    student: bigNumber(naturalStudent(results), "student, thinking until it ends by itself"),
    verdict: oneLine(verdict.sentence, TEXT_CAPS.sentence),
    evidence: evidenceOf(results),
    isGain,
  };
}
