/**
 * @file The built-in teacher's reasoning, as a pure function: a quick pass that sometimes slips, then, after "Wait",
 * checks that work every step with care from the start. Nothing here pretends to be a language model.
 */
import { prng, type Prng } from "../core/prng.ts";
import type { Question } from "../schema/records.ts";
import { parseProblem } from "./chain-families.ts";
import {
  carefulLine,
  columns,
  isInRange,
  passLines,
  type Problem,
  quickLine,
  runningValues,
  runStep,
  type Step,
  type StepOutcome,
} from "./steps.ts";

/** How the teacher behaves; shares and rates are from 0 to 1. */
export interface TeacherPolicy {
  /** Share of questions whose quick pass slips once. */
  readonly slipRate: number;
  readonly checkOnceShare: number;
  /** With `checkOnceShare` at most 1; the rest ends after the quick pass. */
  readonly checkTwiceShare: number;
  readonly seed: number;
}

/** One piece of reasoning. */
export interface Reasoning {
  /** Lines joined by "\n", no newline at the end. */
  readonly thinking: string;
  /** Digits only. */
  readonly answer: string;
  readonly hadSlip: boolean;
  readonly checks: 0 | 1 | 2;
}

/**
 * The teacher's reasoning about a question; null when the text is of no family it knows. Random choices depend on
 * (seed, question id) alone. A slip always spoils the quick pass's result; only a check repairs it.
 */
export function reasonAbout(question: Pick<Question, "id" | "text">, policy: TeacherPolicy): Reasoning | null {
  const problem = parseProblem(question.text);
  const values = problem && runningValues(problem);
  if (problem === null || values === null) return null;
  const random = prng(`${policy.seed}/teacher/${question.id}`);
  const depth = random.next();
  const checks = depth < policy.checkTwiceShare ? 2 : depth < policy.checkTwiceShare + policy.checkOnceShare ? 1 : 0;
  const hadSlip = random.next() < policy.slipRate;
  const quick = hadSlip ? slippedPass(random, problem, values) : quickPass(problem, problem.start);
  const steps = problem.steps.map((step, i) => carefulLine(step, values[i] as number));
  const careful = ["Wait", ...passLines(problem, steps)];
  const lines = [...passLines(problem, quick.lines), ...(checks > 0 ? careful : []), ...(checks > 1 ? careful : [])];
  return { thinking: lines.join("\n"), answer: String(checks > 0 ? values.at(-1) : quick.result), hadSlip, checks };
}

interface Pass {
  readonly lines: string[];
  readonly result: number;
}

function quickPass(problem: Pick<Problem, "steps">, start: number): Pass {
  let value = start;
  const lines = problem.steps.map((step) => {
    const line = quickLine(step, value);
    value = runStep(step, value).result;
    return line;
  });
  return { lines, result: value };
}

/** A quick pass with one wrong line from which the rest carries on; its result is in 0..999 and wrong. */
function slippedPass(random: Prng, problem: Problem, values: readonly number[]): Pass {
  const places = random.shuffle(problem.steps.map((_, i) => i));
  for (const place of places) {
    const step = problem.steps[place] as Step;
    for (const slip of random.shuffle(slipsOf(step, values[place] as number))) {
      const rest = { start: slip.result, steps: problem.steps.slice(place + 1) };
      const after = runningValues(rest);
      if (after === null || after.at(-1) === values.at(-1)) continue;
      const before = problem.steps.slice(0, place).map((earlier, i) => quickLine(earlier, values[i] as number));
      const tail = quickPass(rest, slip.result);
      return { lines: [...before, quickLine(step, values[place] as number, slip), ...tail.lines], result: tail.result };
    }
  }
  throw new Error("bug in grappa: the last step can always slip by one");
}

/** Plausible wrong outcomes of a step: off by 1 or 10, a carry or borrow forgotten, the wrong branch; all in 0..999. */
function slipsOf(step: Step, left: number): StepOutcome[] {
  const truth = runStep(step, left);
  const slips: StepOutcome[] = [];
  if (truth.isRun) {
    for (const offset of [1, -1, 10, -10]) slips.push({ isRun: true, result: truth.result + offset });
    slips.push({ isRun: true, result: withoutCarries(left, step) });
  }
  if (step.isConditional) {
    const wrongBranch = runStep({ ...step, isConditional: false }, left).result;
    slips.push(truth.isRun ? { isRun: false, result: left } : { isRun: true, result: wrongBranch });
    // Where the untaken branch would leave 0..999, the value is misread instead.
    if (!truth.isRun) for (const offset of [1, -1]) slips.push({ isRun: false, result: left + offset });
  }
  return slips.filter((slip) => slip.result !== truth.result && isInRange(slip.result));
}

/** The result when every carry or borrow between columns is forgotten. */
function withoutCarries(left: number, step: Step): number {
  const digits = [1, 10, 100].map((unit) => {
    const upper = Math.floor(left / unit) % 10;
    const column =
      step.operation === "*"
        ? columns(upper, "*", step.operand)
        : columns(upper, step.operation, Math.floor(step.operand / unit) % 10);
    return Number(column.split(",")[0]?.at(-1)) * unit;
  });
  return digits.reduce((sum, digit) => sum + digit, 0);
}
