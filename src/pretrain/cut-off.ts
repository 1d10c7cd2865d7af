import type { Prng } from "../core/prng.ts";
import type { SingleStep } from "./single-steps.ts";

/** The lines of one pass over a question. */
export type Pass = readonly SingleStep[];

/** Thinking that a cap ended. */
export interface CutThinking {
  /** A beginning of the passes' text, no newline at its end. */
  readonly thinking: string;
  /** What to answer; null when not one line was complete. */
  readonly result: number | null;
}

/**
 * Passes joined by "Wait" and cut at a uniform place, as a thinking budget does. The answer is read off the last line
 * that is complete, except inside a later pass: there, the result of the pass before stands until the new one is done.
 * The cut falls within
 * the first `maxBytes`; `opening` are lines before each pass's own. Where the cut would split a line's result, the line is finished, since half a number cannot be told from a whole one.
 */
export function cutOff(
  random: Prng,
  { opening, passes, maxBytes }: { opening: readonly string[]; passes: readonly Pass[]; maxBytes: number },
): CutThinking {
  const units = unitsOf(opening, passes);
  const total = units.reduce((sum, unit) => sum + unit.text.length + 1, 0);
  let left = random.int(1, Math.min(total, maxBytes));
  const kept: string[] = [];
  let result: number | null = null;
  for (const unit of units) {
    const isWhole = left >= unit.resultAt;
    const text = isWhole ? unit.text : unit.text.slice(0, left);
    if (text !== "") kept.push(text);
    if (isWhole) result = unit.result;
    left -= unit.text.length + 1;
    if (left <= 0) break;
  }
  return { thinking: kept.join("\n"), result };
}

/** One line of thinking and the answer that stands once it is complete. */
interface Unit {
  readonly text: string;
  readonly result: number | null;
  /** Cut at or behind this many characters, the line is taken whole. */
  readonly resultAt: number;
}

function unitsOf(opening: readonly string[], passes: readonly Pass[]): Unit[] {
  let standing: number | null = null;
  return passes.flatMap((pass, i) => {
    const before = standing;
    const lines = pass.map((step, j): Unit => {
      const isFirstPassOrDone = i === 0 || j === pass.length - 1;
      const resultAt = Math.max(step.line.lastIndexOf("="), step.line.lastIndexOf(">")) + 1;
      return { text: step.line, result: isFirstPassOrDone ? step.result : before, resultAt };
    });
    standing = pass.at(-1)?.result ?? standing;
    const openings = (i === 0 ? opening : ["Wait", ...opening]).map(
      (text): Unit => ({ text, result: before, resultAt: 1 }),
    );
    return [...openings, ...lines];
  });
}
