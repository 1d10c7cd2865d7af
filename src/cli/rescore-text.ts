import { settingPhrase } from "../evaluate/settings.ts";
import type { ChangedVerdict, RescoreResult } from "../pipeline/evaluation/rescore-evaluation.ts";
import { count, counted } from "../report/number-format.ts";
import { oneLine } from "../report/plain-text.ts";

/**
 * Which verdicts are others than before, with examples.
 *
 * @param maxTokens the budget of a natural end
 */
export function rescoreLines(
  { samples, changed, moves, examples }: Pick<RescoreResult, "samples" | "changed" | "moves" | "examples">,
  maxTokens: number,
): readonly string[] {
  if (changed === 0) return [`  ${counted(samples, "sample")} graded again: no verdict changed.`];
  return [
    `  ${counted(samples, "sample")} graded again: ${counted(changed, "verdict")} changed.`,
    ...moves.map((move) => `  ${count(move.count).padStart(7)}  ${move.from} -> ${move.to}`),
    ...examples.map((example) => `  ${exampleText(example, maxTokens)}`),
  ];
}

function exampleText({ questionId, sampleIndex, setting, before, after }: ChangedVerdict, maxTokens: number): string {
  const answer = ({ outcome, extracted }: ChangedVerdict["before"]): string =>
    `${outcome}${extracted === null ? "" : ` (${oneLine(extracted, 40)})`}`;
  return `${questionId} sample ${sampleIndex}, ${settingPhrase(setting, maxTokens)}: ${answer(before)} -> ${answer(after)}`;
}
