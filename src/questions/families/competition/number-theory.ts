/** @file Contest problems of number theory. */
import { binomial } from "../../binomial.ts";
import { gcdOf } from "../../fraction.ts";
import type { Four, Template } from "./template.ts";

const lastDigits: Template = {
  levels: [2, 5],
  bounds: [
    [2, 999],
    [1, 5_000],
    [2, 999],
    [1, 5_000],
  ],
  draw: (random, level) => {
    const one = (): number[] => [random.int(2, 9 + 20 * level), random.int(5, 40 * level * level)];
    return [...one(), ...one()];
  },
  formula: (parameters) => {
    const [a, b, c, d] = parameters as Four;
    return (BigInt(a) ** BigInt(b) + BigInt(c) ** BigInt(d)) % 1_000n;
  },
  count: (parameters) => {
    const [a, b, c, d] = parameters as Four;
    const last = (base: number, exponent: number): number =>
      Array.from({ length: exponent }, () => base).reduce((power, factor) => (power * factor) % 1_000, 1);
    return (last(a, b) + last(c, d)) % 1_000;
  },
  text: ([a, b, c, d]) => `Find the remainder when ${a}^${b} + ${c}^${d} is divided by 1000.`,
};

const squareDivisors: Template = {
  levels: [1, 5],
  bounds: [
    [0, 20],
    [0, 20],
    [0, 20],
    [0, 20],
  ],
  draw: (random, level) => Array.from({ length: 4 }, (_, i) => random.int(i < 2 ? 2 : 1, 2 + 2 * level)),
  formula: (exponents) => exponents.reduce((product, exponent) => product * BigInt(Math.floor(exponent / 2) + 1), 1n),
  count: (parameters) => {
    const [a, b, c, d] = parameters as Four;
    const squares = (most: number): number =>
      Array.from({ length: most + 1 }, (_, i) => i).filter((i) => i % 2 === 0).length;
    return squares(a) * squares(b) * squares(c) * squares(d);
  },
  text: ([a, b, c, d]) =>
    `Let N = 2^${a} * 3^${b} * 5^${c} * 7^${d}. How many positive divisors of N are perfect squares?`,
};

const remainders: Template = {
  levels: [1, 5],
  bounds: [
    [2, 40],
    [0, 40],
    [2, 40],
    [0, 40],
    [2, 40],
    [0, 40],
  ],
  draw: (random, level) => {
    const moduli = random.shuffle([3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19].slice(0, 4 + level)).slice(0, 3);
    return moduli.sort((a, b) => a - b).flatMap((modulus) => [modulus, random.int(0, modulus - 1)]);
  },
  formula: (parameters) => {
    const pairs = [0, 2, 4].map(
      (at) => [BigInt(parameters[at] as number), BigInt(parameters[at + 1] as number)] as const,
    );
    if (pairs.some(([a], i) => pairs.some(([b], j) => i < j && gcdOf(a, b) !== 1n))) return -1n;
    const all = pairs.reduce((product, [modulus]) => product * modulus, 1n);
    const sum = pairs.reduce((total, [modulus, rest]) => {
      const others = all / modulus;
      let inverse = 1n;
      while ((others * inverse) % modulus !== 1n) inverse += 1n;
      return total + rest * others * inverse;
    }, 0n);
    return sum % all === 0n ? all : sum % all;
  },
  count: ([a = 1, b = 0, c = 1, d = 0, e = 1, f = 0]) => {
    for (let n = 1; n < 1_000; n++) if (n % a === b && n % c === d && n % e === f) return n;
    return -1;
  },
  text: ([a, b, c, d, e, f]) =>
    `Find the least positive integer that leaves remainder ${b} when divided by ${a}, remainder ${d} when divided by ${c}, and remainder ${f} when divided by ${e}.`,
};

const divisible: Template = {
  levels: [1, 4],
  bounds: [
    [1, 3_000],
    [2, 60],
    [2, 60],
    [2, 60],
  ],
  draw: (random, level) => [
    random.int(100, 500 * level),
    random.int(2, 9),
    random.int(10, 15),
    random.int(2, 8 + 2 * level),
  ],
  formula: (parameters) => {
    const [n, a, b, c] = parameters.map(BigInt) as [bigint, bigint, bigint, bigint];
    const both = (x: bigint, y: bigint): bigint => (x / gcdOf(x, y)) * y;
    const up = (x: bigint): bigint => n / x;
    return up(a) + up(b) - up(both(a, b)) - up(both(a, c)) - up(both(b, c)) + up(both(both(a, b), c));
  },
  count: (parameters) => {
    const [n, a, b, c] = parameters as Four;
    let count = 0;
    for (let i = 1; i <= n; i++) if ((i % a === 0 || i % b === 0) && i % c !== 0) count += 1;
    return count;
  },
  text: ([n, a, b, c]) =>
    `How many of the integers from 1 to ${n} are divisible by ${a} or by ${b} (or by both), but not by ${c}?`,
};

const zeros: Template = {
  levels: [2, 4],
  bounds: [
    [1, 4_000],
    [1, 4_000],
  ],
  draw: (random, level) => {
    const [small, large] = [random.int(10, 200 * level), random.int(10, 200 * level)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    return [large + 5, small];
  },
  formula: ([n = 1, k = 1]) => {
    const fives = (value: number): number => (value < 5 ? 0 : Math.floor(value / 5) + fives(Math.floor(value / 5)));
    return BigInt(fives(n) - fives(k));
  },
  count: ([n = 1, k = 1]) => {
    let [fives, twos] = [0, 0];
    for (let factor = k + 1; factor <= n; factor++) {
      for (let rest = factor; rest % 5 === 0; rest /= 5) fives += 1;
      for (let rest = factor; rest % 2 === 0; rest /= 2) twos += 1;
    }
    return Math.min(fives, twos);
  },
  text: ([n, k]) =>
    `The product of all integers from ${(k ?? 0) + 1} to ${n} is written in decimal notation. How many zeros does it end with?`,
};

const digitSum: Template = {
  levels: [2, 5],
  bounds: [
    [1, 5],
    [1, 45],
  ],
  draw: (random, level) => {
    const digits = level < 4 ? random.int(3, 4) : random.int(4, 5);
    return [digits, random.int(2, 9 * digits - 2)];
  },
  formula: ([digits = 1, sum = 1]) => {
    let total = 0n;
    for (let over = 0; over <= digits && 10 * over <= sum; over++) {
      const ways = binomial(digits, over) * binomial(sum - 10 * over + digits - 1, digits - 1);
      total += over % 2 === 0 ? ways : -ways;
    }
    return total;
  },
  count: ([digits = 1, sum = 1]) => {
    let count = 0;
    for (let n = 1; n < 10 ** digits; n++) {
      let left = sum;
      for (let rest = n; rest > 0; rest = Math.floor(rest / 10)) left -= rest % 10;
      if (left === 0) count += 1;
    }
    return count;
  },
  text: ([digits = 1, sum]) =>
    `How many positive integers less than ${10 ** digits} have digits that add up to ${sum}?`,
};

/** By name; a name stands in the questions' instances. */
export const NUMBER_THEORY = {
  "last-digits": lastDigits,
  "square-divisors": squareDivisors,
  remainders,
  divisible,
  zeros,
  "digit-sum": digitSum,
} as const;
