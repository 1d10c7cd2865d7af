/** @file Contest problems of algebra. */
import { binomial } from "../../binomial.ts";
import type { Four, Template } from "./template.ts";

const powerSums: Template = {
  levels: [1, 5],
  bounds: [
    [-30, 30],
    [-200, 200],
    [2, 6],
  ],
  draw: (random, level) => [
    random.int(1, 4 + level),
    random.int(-3 * level, 4 * level),
    Math.min(6, random.int(2, 2 + level)),
  ],
  // Girard and Waring's formula.
  formula: ([sum = 0, product = 0, power = 2]) => {
    let total = 0n;
    for (let i = 0; 2 * i <= power; i++) {
      const factor = (BigInt(power) * binomial(power - i, i)) / BigInt(power - i);
      total += factor * BigInt(-product) ** BigInt(i) * BigInt(sum) ** BigInt(power - 2 * i);
    }
    return total;
  },
  count: ([sum = 0, product = 0, power = 2]) => {
    let [before, last] = [2, sum];
    for (let i = 2; i <= power; i++) [before, last] = [last, sum * last - product * before];
    return last;
  },
  text: ([sum, product, power]) =>
    `The complex numbers x and y satisfy x + y = ${sum} and xy = ${product}. Find x^${power} + y^${power}.`,
};

const remainderSequence: Template = {
  levels: [1, 5],
  bounds: [
    [0, 999],
    [1, 99],
    [0, 999],
    [2, 1_000],
    [1, 100_000],
  ],
  draw: (random, level) => {
    const modulus = random.int(11, Math.min(999, 40 * level * level));
    return [
      random.int(0, modulus - 1),
      random.int(2, 19),
      random.int(1, modulus - 1),
      modulus,
      random.int(8, 20 * 5 ** level),
    ];
  },
  // Goes round as soon as a value comes back.
  formula: ([start = 0, factor = 1, step = 0, modulus = 2, index = 1]) => {
    const values: number[] = [start % modulus];
    const seen = new Map([[start % modulus, 0]]);
    for (;;) {
      const next = ((values.at(-1) as number) * factor + step) % modulus;
      const first = seen.get(next);
      if (first !== undefined) {
        const place = index - 1 < values.length ? index - 1 : first + ((index - 1 - first) % (values.length - first));
        return BigInt(values[place] as number);
      }
      seen.set(next, values.length);
      values.push(next);
    }
  },
  count: ([start = 0, factor = 1, step = 0, modulus = 2, index = 1]) => {
    let value = start % modulus;
    for (let n = 1; n < index; n++) value = (value * factor + step) % modulus;
    return value;
  },
  text: ([start, factor, step, modulus, index]) =>
    `A sequence begins with a_1 = ${start}, and for n >= 1, a_(n+1) is the remainder when ${factor} * a_n + ${step} is divided by ${modulus}. Find a_${index}.`,
};

const progressionSum: Template = {
  levels: [1, 4],
  bounds: [
    [1, 100_000],
    [2, 200],
    [0, 199],
  ],
  draw: (random, level) => {
    const modulus = random.int(3, 10 + 10 * level);
    return [random.int(50, 200 * 3 ** level), modulus, random.int(0, modulus - 1)];
  },
  formula: ([most = 1, modulus = 2, rest = 0]) => {
    if (most < rest) return 0n;
    const terms = BigInt(Math.floor((most - rest) / modulus) + 1);
    return (terms * BigInt(rest) + (BigInt(modulus) * terms * (terms - 1n)) / 2n) % 1_000n;
  },
  count: ([most = 1, modulus = 2, rest = 0]) => {
    let sum = 0;
    for (let n = 1; n <= most; n++) if (n % modulus === rest) sum = (sum + n) % 1_000;
    return sum;
  },
  text: ([most, modulus, rest]) =>
    `Let S be the sum of all positive integers up to ${most} that leave remainder ${rest} when divided by ${modulus}. Find the remainder when S is divided by 1000.`,
};

const interpolation: Template = {
  levels: [2, 5],
  bounds: [
    [-999, 999],
    [-999, 999],
    [-999, 999],
    [-999, 999],
    [5, 12],
  ],
  draw: (random, level) => [
    ...Array.from({ length: 4 }, () => random.int(-5 * level, 9 * level)),
    random.int(5, 4 + level),
  ],
  // Lagrange's form at 1, 2, 3, 4.
  formula: ([p = 0, q = 0, r = 0, s = 0, x = 5]) => {
    const weights = [
      -(x - 2) * (x - 3) * (x - 4),
      3 * (x - 1) * (x - 3) * (x - 4),
      -3 * (x - 1) * (x - 2) * (x - 4),
      (x - 1) * (x - 2) * (x - 3),
    ];
    const sum = [p, q, r, s].reduce((total, value, i) => total + value * (weights[i] as number), 0);
    return BigInt(sum / 6);
  },
  // The third differences stay the same.
  count: ([p = 0, q = 0, r = 0, s = 0, x = 5]) => {
    const third = s - 3 * r + 3 * q - p;
    let [second, first, value] = [s - 2 * r + q, s - r, s];
    for (let at = 5; at <= x; at++) {
      second += third;
      first += second;
      value += first;
    }
    return value;
  },
  text: ([p, q, r, s, x]) =>
    `P is a polynomial of degree at most 3 with P(1) = ${p}, P(2) = ${q}, P(3) = ${r} and P(4) = ${s}. Find P(${x}).`,
};

const subsetPairs: Template = {
  levels: [3, 5],
  bounds: [
    [1, 30],
    [0, 30],
  ],
  draw: (random, level) => {
    const size = random.int(4, 4 * level);
    return [size, random.int(0, size)];
  },
  formula: ([size = 1, common = 0]) => (binomial(size, common) * 3n ** BigInt(Math.max(0, size - common))) % 1_000n,
  // Element by element: in both sets, or in one or none of them.
  count: ([size = 1, common = 0]) => {
    let ways = [1];
    for (let element = 0; element < size; element++)
      ways = Array.from(
        { length: ways.length + 1 },
        (_, both) => (3 * (ways[both] ?? 0) + (ways[both - 1] ?? 0)) % 1_000,
      );
    return ways[common] ?? 0;
  },
  text: ([size, common]) =>
    `How many ordered pairs (A, B) of subsets of {1, 2, ..., ${size}} are there such that A and B have exactly ${common} ${common === 1 ? "element" : "elements"} in common? Give the remainder when their number is divided by 1000.`,
};

const solutions: Template = {
  levels: [1, 5],
  bounds: [
    [1, 60],
    [1, 60],
    [1, 60],
    [1, 600],
  ],
  draw: (random, level) => [
    random.int(1, 3),
    random.int(2, 4 + level),
    random.int(3, 6 + level),
    random.int(20, 40 + 30 * level),
  ],
  // One unknown after the other, with the number of values of the last given by a division.
  formula: (parameters) => {
    const [a, b, c, n] = parameters as Four;
    let total = 0;
    for (let z = 1; c * z <= n; z++)
      for (let y = 1; b * y + c * z < n; y++) if ((n - b * y - c * z) % a === 0) total += 1;
    return BigInt(total);
  },
  // Coefficient of x^n in the product of the three series.
  count: (parameters) => {
    const [a, b, c, n] = parameters as Four;
    let ways = Array.from({ length: n + 1 }, (_, i): number => (i === 0 ? 1 : 0));
    for (const factor of [a, b, c]) {
      const next = ways.map(() => 0);
      for (let i = factor; i <= n; i++) next[i] = (ways[i - factor] as number) + (next[i - factor] as number);
      ways = next;
    }
    return ways[n] as number;
  },
  text: ([a, b, c, n]) => {
    const times = (factor: number | undefined, name: string): string => `${factor === 1 ? "" : factor}${name}`;
    return `How many triples (x, y, z) of positive integers satisfy ${times(a, "x")} + ${times(b, "y")} + ${times(c, "z")} = ${n}?`;
  },
};

/** By name; a name stands in the questions' instances. */
export const ALGEBRA = {
  "power-sums": powerSums,
  "remainder-sequence": remainderSequence,
  "progression-sum": progressionSum,
  interpolation,
  "subset-pairs": subsetPairs,
  solutions,
} as const;
