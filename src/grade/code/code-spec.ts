/**
 * @file What it takes to judge a reply that holds a program: a closed union of the shapes in which benchmarks state their
 * tests. All code here is Python 3. Tests and solutions come from a data set and run in the sandbox like the reply itself.
 */

/** HumanEval: the model continues `prompt` or writes the function whole; `test` defines `check(candidate)`. */
export interface FunctionSpec {
  readonly kind: "function";
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
}

/** MBPP: statements that must not raise, run in order; each is usually one `assert`. */
export interface AssertsSpec {
  readonly kind: "asserts";
  /** Run after the reply's code and before the asserts; may be empty. */
  readonly setup: string;
  readonly asserts: readonly string[];
}

/** One input of a program that reads standard input, and what it must print. */
export interface StdinTest {
  readonly input: string;
  readonly expected: string;
}

/** Programs that read standard input: one run for each test, outputs compared outside the sandbox. */
export interface StdinSpec {
  readonly kind: "stdin";
  readonly tests: readonly StdinTest[];
}

/** One call: JSON arguments, one a line, and the expected JSON value. */
export interface CallTest {
  readonly args: string;
  readonly expected: string;
}

/** LiveCodeBench's functional tests: `entryPoint` is a function, or a method of a class `Solution` that the reply defines. */
export interface CallsSpec {
  readonly kind: "calls";
  readonly entryPoint: string;
  /** Put before the reply's code: imports that the platform gives. May be empty. */
  readonly preamble: string;
  readonly tests: readonly CallTest[];
}

/**
 * How a result stands beside the canonical solution's: `equal` (within `atol` where floats are expected), `unordered` (equal as
 * sets), `not-none` (both are a value, or neither), `root` (the first argument's polynomial, lowest power first, is 0 there).
 */
export const PLUS_ORACLES = ["equal", "unordered", "not-none", "root"] as const;
export type PlusOracle = (typeof PLUS_ORACLES)[number];

/** HumanEval+ and MBPP+: many inputs, and a canonical solution that says what each must give. */
export interface PlusSpec {
  readonly kind: "plus";
  /** What the model was asked to continue; empty where it writes everything (MBPP+). */
  readonly prompt: string;
  readonly entryPoint: string;
  /** A whole program that defines `entryPoint`: for HumanEval+ the prompt and its canonical solution together. */
  readonly canonicalSolution: string;
  /** Base inputs first, then plus inputs: each the arguments of one call, as a JSON array or a Python literal of one. */
  readonly inputs: readonly string[];
  /** Absolute tolerance for floats; 0 stands for EvalPlus' 1e-6 where floats are expected. */
  readonly atol: number;
  readonly oracle: PlusOracle;
}

/** The tests of one question. */
export type CodeSpec = FunctionSpec | AssertsSpec | StdinSpec | CallsSpec | PlusSpec;
