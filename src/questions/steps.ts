/**
 * @file The reasoning notation, one line a step. A line copies the step's item from the question, then computes:
 * quickly (`a+36 62+36=98`) or with care, column by column from the least significant one, each with its carry or
 * borrow in and out (`a+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98`). A pass over a question opens with its start value on a line of its own, so
 * that every step takes its left operand from the line before. Teacher and base text both write through here.
 */

/** Largest running value or operand; the smallest is 0. */
export const MAX_VALUE = 999;
/** Most steps in a question: the keys are the letters a to h. */
export const MAX_STEPS = 8;
const KEYS = "abcdefgh";

export type Operation = "+" | "-" | "*";

/** One keyed step of a question. */
export interface Step {
  /** One letter, a to h, in order of the question. */
  readonly key: string;
  /** The step verbatim, for example `a+36`, `a:n+=36` or `c:if(n%2)n-=7`. */
  readonly item: string;
  readonly operation: Operation;
  readonly operand: number;
  /** True when the step only runs on an odd value. */
  readonly isConditional: boolean;
}

/** A parsed question: a start value and the steps applied to it from left to right, without precedence. */
export interface Problem {
  readonly start: number;
  readonly steps: readonly Step[];
}

/** What a line claims: whether the step ran, and the value afterwards. */
export interface StepOutcome {
  readonly isRun: boolean;
  readonly result: number;
}

/** The lines of one pass over a question: its start value, then its steps. */
export function passLines(problem: Pick<Problem, "start">, lines: readonly string[]): string[] {
  return [String(problem.start), ...lines];
}

/** The key of step `index` (0-based): a, b, c and so on. */
export function keyAt(index: number): string {
  return KEYS[index] ?? "";
}

function compute(left: number, operation: Operation, right: number): number {
  if (operation === "+") return left + right;
  return operation === "-" ? left - right : left * right;
}

/** The true outcome of a step on `left`; the result may leave 0..999, which callers check. */
export function runStep(step: Step, left: number): StepOutcome {
  const isRun = !step.isConditional || left % 2 === 1;
  return { isRun, result: isRun ? compute(left, step.operation, step.operand) : left };
}

/** True for an integer from 0 to {@link MAX_VALUE}. */
export function isInRange(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_VALUE;
}

/** Start value and the value after each step (length `steps + 1`); null as soon as one leaves 0..999. */
export function runningValues(problem: Problem): number[] | null {
  const values = [problem.start];
  let value = problem.start;
  for (const step of problem.steps) {
    value = runStep(step, value).result;
    if (!isInRange(value)) return null;
    values.push(value);
  }
  return values;
}

/** The quick line of a step; `outcome` is the truth unless a slip is to be written down. */
export function quickLine(step: Step, left: number, outcome: StepOutcome = runStep(step, left)): string {
  const claim = outcome.isRun ? `${left}${step.operation}${step.operand}` : `${left}`;
  return `${step.item} ${claim}=${outcome.result}`;
}

/**
 * The three columns of a computation, least significant first, joined by commas. Each reads `digits and carry in = carry
 * out, digit`: `6+3+0=09` (addition), `2-8-1=13` (borrowed 1, digit 3), `2*5+2=12`. All values must stay in 0..999.
 */
export function columns(left: number, operation: Operation, right: number): string {
  const parts: string[] = [];
  let carry = 0;
  for (const unit of [1, 10, 100]) {
    const upper = Math.floor(left / unit) % 10;
    const lower = operation === "*" ? right : Math.floor(right / unit) % 10;
    const signed = operation === "-" ? upper - lower - carry : compute(upper, operation, lower) + carry;
    const carryOut = operation === "-" ? Number(signed < 0) : Math.floor(signed / 10);
    const digit = operation === "-" ? signed + 10 * carryOut : signed % 10;
    parts.push(`${upper}${operation}${lower}${operation === "-" ? "-" : "+"}${carry}=${carryOut}${digit}`);
    carry = carryOut;
  }
  return parts.join(",");
}

/** The careful line of a step, always right; a conditional step writes its parity first. */
export function carefulLine(step: Step, left: number): string {
  const { isRun, result } = runStep(step, left);
  const parity = step.isConditional ? `${left}%2=${left % 2}` : "";
  if (!isRun) return `${step.item} ${parity}>${result}`;
  const sum = `${left}${step.operation}${step.operand}:${columns(left, step.operation, step.operand)}`;
  return `${step.item} ${parity === "" ? sum : `${parity},${sum}`}>${result}`;
}

const NUMBER = "(0|[1-9][0-9]{0,2})";
const ARITHMETIC_ITEM = new RegExp(`^([a-h])([-+*])${NUMBER}$`);
const PROGRAM_ITEM = new RegExp(`^([a-h]):(if\\(n%2\\))?n([-+*])=${NUMBER}$`);

/** Reads one item of either notation; null when it is not one (operands: 2 to 9 for `*`, else 1 to 999). */
export function parseItem(item: string): Step | null {
  const plain = ARITHMETIC_ITEM.exec(item);
  const [key, condition, operation, digits] = plain
    ? [plain[1], undefined, plain[2], plain[3]]
    : (PROGRAM_ITEM.exec(item) ?? []).slice(1);
  if (key === undefined || operation === undefined || digits === undefined) return null;
  const operand = Number(digits);
  if (operation === "*" ? operand < 2 || operand > 9 : operand < 1) return null;
  return { key, item, operation: operation as Operation, operand, isConditional: condition !== undefined };
}

/** A reasoning line read back. */
export interface ParsedLine {
  readonly step: Step;
  readonly left: number;
  readonly result: number;
  readonly style: "quick" | "careful";
  /** True when the line is, to the letter, what the truth would be written as. */
  readonly isRight: boolean;
}

const QUICK_CLAIM = new RegExp(`^${NUMBER}(?:[-+*]${NUMBER})?=${NUMBER}$`);
const CAREFUL_CLAIM = new RegExp(`^${NUMBER}[-+*%].{2,60}>${NUMBER}$`);

/** Reads a whole reasoning line of either style; null when the text is not one (`Wait`, a line cut short, prose). */
export function parseLine(line: string): ParsedLine | null {
  if (line.length > 120) return null;
  const space = line.indexOf(" ");
  const step = space < 0 ? null : parseItem(line.slice(0, space));
  if (step === null) return null;
  const claim = line.slice(space + 1);
  const quick = QUICK_CLAIM.exec(claim);
  const match = quick ?? CAREFUL_CLAIM.exec(claim);
  if (match === null) return null;
  const left = Number(match[1]);
  const truth = quick ? quickLine(step, left) : carefulLine(step, left);
  const result = Number(match.at(-1));
  return { step, left, result, style: quick ? "quick" : "careful", isRight: truth === line };
}
