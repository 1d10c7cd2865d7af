/** @file Ways to spend tokens as terminal text: what each spends on a question and on a right answer, and what it gives. */
import type { EvaluationSummary, MethodRow, SettingSummary } from "../schema/evaluation-summary.ts";
import type { EvaluationSpeed } from "../schema/evaluation.ts";
import { naturalBudget } from "../evaluate/paired-questions.ts";
import { asGreedy } from "../evaluate/settings.ts";
import { count, counted, dollars, percent, percentInterval } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import { settingLabel } from "./settings.ts";
import { textTable, wrapped } from "./terminal-text.ts";
import { equalSentence, methodLabel } from "./view/methods.ts";

const LABEL = 24;

/** Tokens, accuracy and price of a right answer, way by way; nothing where there is one way alone. */
export function methodLines(
  { methods, equalTokens, settings }: EvaluationSummary,
  speed: EvaluationSpeed | null,
): readonly string[] {
  if (methods.length < 2) return [];
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  const labelOf: Labeller = (setting) => settingLabel(asGreedy(setting), natural);
  const hasCost = methods.some(({ costMicroUsd }) => costMicroUsd > 0);
  const hasTime = speed !== null;
  const columns = [
    { label: "spent on a question", width: LABEL },
    { label: "n", width: 3 },
    { label: "tokens", width: 7 },
    { label: "right", width: 7 },
    { label: "95 % interval", width: 13 },
    ...(hasTime ? [{ label: "s/right", width: 8 }] : []),
    ...(hasCost ? [{ label: "$/right", width: 8 }] : []),
  ];
  const rows = methods.map((row) => [
    oneLine(methodLabel(row, labelOf), LABEL),
    String(row.samples),
    count(row.spentTokens),
    percent(row.accuracy.value),
    percentInterval(row.accuracy.interval),
    ...(hasTime ? [secondsPerRight(row, speed)] : []),
    ...(hasCost ? [row.microUsdPerRight === null ? "–" : dollars(row.microUsdPerRight / 1e6)] : []),
  ]);
  return [
    "",
    ...textTable(columns, rows),
    ...wrapped([...legend(methods), ...(hasTime ? [timeNote(speed)] : [])].join(" ")),
    ...rejectionNotes(settings, labelOf),
    ...equalTokens.flatMap((row) => wrapped(equalSentence(row))),
  ];
}

/** A setting in words; its temperature stands in the table above. */
type Labeller = (setting: MethodRow["setting"]) => string;

function legend(methods: readonly MethodRow[]): string[] {
  const has = (kind: MethodRow["kind"]): boolean => methods.some((row) => row.kind === kind);
  return [
    "n: samples. tokens: thinking, answers and what was thrown away, of all n.",
    ...(has("vote") ? ["vote: the most frequent answer."] : []),
    ...(has("likeliest") ? ["likeliest: best of n by the mean log-probability of the answer."] : []),
    ...(has("shortest") ? ["shortest: best of n by the shortest thinking that gave an answer."] : []),
    ...(has("oracle") ? ["bound: pass@k, if an oracle chose."] : []),
  ];
}

function secondsPerRight({ tokensPerRight }: MethodRow, { seconds, generatedTokens }: EvaluationSpeed): string {
  if (tokensPerRight === null) return "–";
  const spent = (tokensPerRight * seconds) / generatedTokens;
  return spent < 99.95 ? spent.toPrecision(spent < 0.1 ? 1 : 2) : count(spent);
}

function timeNote({ seconds, generatedTokens }: EvaluationSpeed): string {
  const rate = generatedTokens / seconds;
  return `s/right: seconds for each right answer, at the ${rate < 10 ? rate.toFixed(1) : count(rate)} tokens a second measured here.`;
}

function rejectionNotes(settings: readonly SettingSummary[], labelOf: Labeller): string[] {
  return settings.flatMap(({ setting, rejection }) => {
    if (rejection === null) return [];
    const { kept, tries, thrownAwayTokens, givenUp } = rejection;
    const { maxTries = 1 } = setting;
    const most = maxTries === 1 ? "one try" : `${maxTries} tries`;
    const left = givenUp === 0 ? "none given up" : `${counted(givenUp, "sample")} given up after ${most}`;
    return wrapped(
      `${labelOf(setting)}: ${percent(kept.value)} of samples kept (95 % interval ${percentInterval(kept.interval)}), ${left}; ${tries.toFixed(1)} tries and ${count(thrownAwayTokens)} tokens thrown away each.`,
    );
  });
}
