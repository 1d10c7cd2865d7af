/**
 * @file Small programs over a list of whole numbers: stages one after another, then a result. Each operation has its words, its
 * line of Python and its meaning here, so that one tree gives the question, a reference solution and the expected outputs.
 */
import { z } from "zod";
import type { Prng } from "../../core/prng.ts";

interface Operation {
  /** Least and largest parameter; absent where it takes none. */
  readonly parameter?: readonly [number, number];
  /** What is to be done, in the imperative. */
  words(k: number): string;
  /** The new value of `numbers`, in Python. */
  python(k: number): string;
  apply(numbers: readonly number[], k: number): number[];
}

/** The remainder as Python has it: never negative for a positive divisor. */
const modulo = (value: number, by: number): number => ((value % by) + by) % by;

const digitSum = (value: number): number =>
  Array.from(String(Math.abs(value))).reduce((sum, digit) => sum + Number(digit), 0);

/** One number after the other. */
const map =
  (change: (value: number, k: number) => number): Operation["apply"] =>
  (numbers, k) =>
    numbers.map((value) => change(value, k) + 0);

const keep =
  (isKept: (value: number, k: number) => boolean): Operation["apply"] =>
  (numbers, k) =>
    numbers.filter((value) => isKept(value, k));

const STAGES = {
  "keep-even": {
    words: () => "keep only the even numbers",
    python: () => "[x for x in numbers if x % 2 == 0]",
    apply: keep((value) => value % 2 === 0),
  },
  "keep-odd": {
    words: () => "keep only the odd numbers",
    python: () => "[x for x in numbers if x % 2 == 1]",
    apply: keep((value) => value % 2 !== 0),
  },
  "keep-greater": {
    parameter: [-5, 20],
    words: (k) => `keep only the numbers greater than ${k}`,
    python: (k) => `[x for x in numbers if x > ${k}]`,
    apply: keep((value, k) => value > k),
  },
  "drop-multiples": {
    parameter: [3, 7],
    words: (k) => `remove the numbers that are divisible by ${k}`,
    python: (k) => `[x for x in numbers if x % ${k} != 0]`,
    apply: keep((value, k) => value % k !== 0),
  },
  add: {
    parameter: [-9, 9],
    words: (k) => (k < 0 ? `subtract ${-k} from every number` : `add ${k} to every number`),
    python: (k) => `[x + ${k} for x in numbers]`,
    apply: map((value, k) => value + k),
  },
  times: {
    parameter: [2, 9],
    words: (k) => `multiply every number by ${k}`,
    python: (k) => `[x * ${k} for x in numbers]`,
    apply: map((value, k) => value * k),
  },
  square: {
    words: () => "replace every number with its square",
    python: () => "[x * x for x in numbers]",
    apply: map((value) => value * value),
  },
  absolute: {
    words: () => "replace every number with its absolute value",
    python: () => "[abs(x) for x in numbers]",
    apply: map(Math.abs),
  },
  "digit-sum": {
    words: () => "replace every number with the sum of the decimal digits of its absolute value",
    python: () => "[sum(int(digit) for digit in str(abs(x))) for x in numbers]",
    apply: map(digitSum),
  },
  modulo: {
    parameter: [3, 12],
    words: (k) => `replace every number x with x % ${k}, as Python computes it`,
    python: (k) => `[x % ${k} for x in numbers]`,
    apply: map(modulo),
  },
  sort: {
    words: () => "sort the list in ascending order",
    python: () => "sorted(numbers)",
    apply: (numbers) => [...numbers].sort((a, b) => a - b),
  },
  reverse: {
    words: () => "reverse the order of the list",
    python: () => "numbers[::-1]",
    apply: (numbers) => [...numbers].reverse(),
  },
  unique: {
    words: () => "remove repeated numbers, keeping the first of each",
    python: () => "list(dict.fromkeys(numbers))",
    apply: (numbers) => [...new Set(numbers)],
  },
  "running-sums": {
    words: () => "replace every number with the sum of all numbers up to and including it",
    python: () => "[sum(numbers[: i + 1]) for i in range(len(numbers))]",
    apply: (numbers) => numbers.map((_, i) => numbers.slice(0, i + 1).reduce((sum, value) => sum + value, 0)),
  },
  differences: {
    words: () => "replace the list with the differences between each number and the one before it (one number fewer)",
    python: () => "[b - a for a, b in zip(numbers, numbers[1:])]",
    apply: (numbers) => numbers.slice(1).map((value, i) => value - (numbers[i] as number)),
  },
  take: {
    parameter: [2, 5],
    words: (k) => `keep only the first ${k} numbers (all if there are fewer)`,
    python: (k) => `numbers[:${k}]`,
    apply: (numbers, k) => numbers.slice(0, k),
  },
  skip: {
    parameter: [1, 3],
    words: (k) =>
      k === 1 ? "remove the first number, if there is one" : `remove the first ${k} numbers (all if there are fewer)`,
    python: (k) => `numbers[${k}:]`,
    apply: (numbers, k) => numbers.slice(k),
  },
  every: {
    parameter: [2, 3],
    words: (k) => `keep the first number and every ${k === 2 ? "second" : "third"} one after it`,
    python: (k) => `numbers[::${k}]`,
    apply: (numbers, k) => numbers.filter((_, i) => i % k === 0),
  },
} as const satisfies Record<string, Operation>;

const ENDS = {
  list: { words: "the resulting list", python: "numbers", apply: (numbers: readonly number[]) => [...numbers] },
  sum: {
    words: "the sum of the resulting numbers (0 if none are left)",
    python: "sum(numbers)",
    apply: (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0),
  },
  count: {
    words: "how many numbers are left",
    python: "len(numbers)",
    apply: (numbers: readonly number[]) => numbers.length,
  },
  largest: {
    words: "the largest of the resulting numbers (0 if none are left)",
    python: "max(numbers, default=0)",
    apply: (numbers: readonly number[]) => (numbers.length === 0 ? 0 : Math.max(...numbers)),
  },
  smallest: {
    words: "the smallest of the resulting numbers (0 if none are left)",
    python: "min(numbers, default=0)",
    apply: (numbers: readonly number[]) => (numbers.length === 0 ? 0 : Math.min(...numbers)),
  },
  alternating: {
    words: "the first of the resulting numbers minus the second plus the third and so on (0 if none are left)",
    python: "sum(x if i % 2 == 0 else -x for i, x in enumerate(numbers))",
    apply: (numbers: readonly number[]) =>
      numbers.reduce((sum, value, i) => (i % 2 === 0 ? sum + value : sum - value), 0) + 0,
  },
} as const;

type StageName = keyof typeof STAGES;
type EndName = keyof typeof ENDS;
const STAGE_NAMES = Object.keys(STAGES) as StageName[];
const END_NAMES = Object.keys(ENDS) as EndName[];

const operationOf = (name: StageName): Operation => STAGES[name];

/** A program; a stage's parameter is 0 where it takes none. */
export const Pipeline = z
  .strictObject({
    stages: z.array(z.tuple([z.enum(STAGE_NAMES), z.int().min(-20).max(20)])).max(8),
    end: z.enum(END_NAMES),
  })
  .refine(({ stages }) =>
    stages.every(([name, k]) => {
      const [low, high] = operationOf(name).parameter ?? [0, 0];
      return k >= low && k <= high;
    }),
  );
export type Pipeline = z.infer<typeof Pipeline>;

/** A program of so many stages, no operation twice in a row. */
export function drawPipeline(random: Prng, stages: number): Pipeline {
  const drawn: Pipeline["stages"] = [];
  while (drawn.length < stages) {
    const name = random.pick(STAGE_NAMES);
    const [low, high] = operationOf(name).parameter ?? [0, 0];
    const k = random.int(low, high);
    // Two squares could leave the whole numbers that JavaScript has exactly.
    const isSecondSquare = name === "square" && drawn.some(([other]) => other === name);
    if (drawn.at(-1)?.[0] === name || (name === "add" && k === 0) || isSecondSquare) continue;
    drawn.push([name, k]);
  }
  return { stages: drawn, end: random.pick(END_NAMES) };
}

/** What a program makes of a list. */
export function runPipeline({ stages, end }: Pipeline, numbers: readonly number[]): number | number[] {
  const left = stages.reduce<readonly number[]>((list, [name, k]) => operationOf(name).apply(list, k), numbers);
  return ENDS[end].apply(left);
}

/** Programs that are nearly this one, as a mistaken solution may be: a stage left out, two swapped, a number off by one, another end. */
export function variantsOf({ stages, end }: Pipeline): { readonly shorter: Pipeline[]; readonly others: Pipeline[] } {
  const shorter = stages.map((_, left) => ({ end, stages: stages.filter((_, place) => place !== left) }));
  const swapped = stages.slice(1).map((stage, before): Pipeline => {
    const earlier = stages[before] as Pipeline["stages"][number];
    return { end, stages: [...stages.slice(0, before), stage, earlier, ...stages.slice(before + 2)] };
  });
  const offByOne = stages.flatMap(([name, k], at) =>
    operationOf(name).parameter === undefined
      ? []
      : [k - 1, k + 1].map(
          (other): Pipeline => ({ end, stages: stages.map((stage, i) => (i === at ? [name, other] : stage)) }),
        ),
  );
  const ended = END_NAMES.filter((other) => other !== end).map((other): Pipeline => ({ stages, end: other }));
  return { shorter, others: [...swapped, ...offByOne, ...ended] };
}

/** What a program does, one numbered line a stage, and what it gives. */
export function pipelineWords({ stages, end }: Pipeline): {
  readonly steps: readonly string[];
  readonly result: string;
} {
  return { steps: stages.map(([name, k], i) => `${i + 1}. ${operationOf(name).words(k)}`), result: ENDS[end].words };
}

/** A reference solution: the lines of a function's body, without indentation. */
export function pipelinePython({ stages, end }: Pipeline): readonly string[] {
  return [...stages.map(([name, k]) => `numbers = ${operationOf(name).python(k)}`), `return ${ENDS[end].python}`];
}
