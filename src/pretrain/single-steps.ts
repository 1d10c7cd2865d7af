/**
 * @file Single steps on values that have nothing to do with each other. A left operand never equals the result of the
 * line before it, nor the value that a question's chain would have there: no chain of reasoning is ever shown.
 */
import type { Prng } from "../core/prng.ts";
import type { ChainFamily } from "../questions/chain-family.ts";
import {
  carefulLine,
  keyAt,
  MAX_STEPS,
  MAX_VALUE,
  type Operation,
  type Problem,
  parseItem,
  quickLine,
  runningValues,
  runStep,
  type Step,
} from "../questions/steps.ts";

/** Which notation of a step's line. */
export type Style = "quick" | "careful";

/** One reasoning line with what it works out to. */
export interface SingleStep {
  readonly line: string;
  readonly result: number;
}

const OPERATIONS: readonly Operation[] = ["+", "-", "*"];

/** A step with a left operand for it, operations evenly mixed; in programs one step in four is conditional. */
export function drawFact(random: Prng, family: ChainFamily["name"], key: string): { step: Step; left: number } {
  const operation = random.pick(OPERATIONS);
  const isConditional = family === "program" && random.next() < 0.25;
  let [left, operand] = [0, 0];
  if (operation === "*") {
    operand = random.int(2, 9);
    left = random.int(1, Math.floor(MAX_VALUE / operand));
  } else {
    left = operation === "+" ? random.int(0, MAX_VALUE - 10) : random.int(1, MAX_VALUE);
    operand = operation === "+" ? random.int(10, MAX_VALUE - left) : random.int(1, left);
  }
  const item =
    family === "program"
      ? `${key}:${isConditional ? "if(n%2)" : ""}n${operation}=${operand}`
      : `${key}${operation}${operand}`;
  const step = parseItem(item);
  if (step === null) throw new Error(`bug in grappa: ${item} is no item`);
  return { step, left };
}

/** The line of a step in a style, with its result. */
export function writeStep(step: Step, left: number, style: Style): SingleStep {
  return {
    line: style === "quick" ? quickLine(step, left) : carefulLine(step, left),
    result: runStep(step, left).result,
  };
}

/** As many lines of facts as fit into `maxBytes`, keys in order from a random one. */
export function factLines(
  random: Prng,
  options: { family: ChainFamily["name"]; style: Style; maxBytes: number },
): SingleStep[] {
  const lines: SingleStep[] = [];
  const firstKey = random.int(0, MAX_STEPS - 1);
  let bytes = 0;
  for (;;) {
    const { step, left } = drawFact(random, options.family, keyAt((firstKey + lines.length) % MAX_STEPS));
    if (left === lines.at(-1)?.result) continue;
    const next = writeStep(step, left, options.style);
    bytes += next.line.length + 1;
    if (bytes > options.maxBytes && lines.length > 0) return lines;
    lines.push(next);
  }
}

/** One line for each step of the question, in its order, on left operands that are not the question's. */
export function unrelatedPass(random: Prng, problem: Problem, style: Style): SingleStep[] {
  const values = runningValues(problem) ?? [];
  const lines: SingleStep[] = [];
  for (const [i, step] of problem.steps.entries()) {
    const forbidden = [values[i], lines.at(-1)?.result];
    let left = drawLeft(random, step);
    while (forbidden.includes(left)) left = drawLeft(random, step);
    lines.push(writeStep(step, left, style));
  }
  return lines;
}

/** Largest operand of a step in base text, so that a step always fits several left operands. */
export const MAX_OPERAND = MAX_VALUE - 9;

/** Uniform over the values on which the step stays in 0..999; at least ten, as {@link MAX_OPERAND} sees to. */
function drawLeft(random: Prng, step: Step): number {
  if (step.operation === "+") return random.int(0, MAX_VALUE - step.operand);
  if (step.operation === "-") return random.int(step.operand, MAX_VALUE);
  return random.int(1, Math.floor(MAX_VALUE / step.operand));
}
