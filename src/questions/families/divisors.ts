/** @file Divisors and primes: gcd, lcm, factorization, counting primes. Checked from the definitions, by trial division. */
import { z } from "zod";
import { gcdOf } from "../fraction.ts";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer, readInteger } from "../read-answer.ts";

const Numbers = z.strictObject({ numbers: z.array(whole(2, 200_000)).min(2).max(4) });
const DOMAIN = "number theory";

const listed = (numbers: readonly number[]): string => `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;

const GCD = [
  { count: 2, factor: 12, rest: 9 },
  { count: 2, factor: 40, rest: 25 },
  { count: 2, factor: 120, rest: 60 },
  { count: 3, factor: 200, rest: 120 },
  { count: 4, factor: 400, rest: 400 },
] as const;

/** The greatest common divisor of some numbers. */
export const gcd = instanceFamily({
  name: "gcd",
  description: "the greatest common divisor of several numbers",
  domain: DOMAIN,
  levels: ["2 numbers to 108", "2 to 1,000", "2 to 7,200", "3 to 24,000", "4 to 160,000"],
  instance: Numbers,
  draw(random, level) {
    const { count, factor, rest } = atLevel(GCD, level);
    const common = random.int(2, factor);
    const numbers = Array.from({ length: count }, () => common * random.int(1, rest));
    if (new Set(numbers).size < count) return null;
    const answer = numbers.reduce((sum, number) => gcdOf(sum, BigInt(number)), 0n);
    return { instance: { numbers }, answer: String(answer) };
  },
  text: ({ numbers }, wording) =>
    wording.pick([
      `What is the greatest common divisor of ${listed(numbers)}?`,
      `Find the largest whole number that divides all of ${listed(numbers)}.`,
      `Compute the GCD of ${listed(numbers)}.`,
    ]),
  answerForm: ["N", "N is a whole number"],
  read: readInteger,
  isRight: ({ numbers }, answer) => {
    const divides = (divisor: number): boolean => numbers.every((number) => number % divisor === 0);
    const found = Number(answer);
    if (found < 1 || !divides(found)) return false;
    const rest = Math.min(...numbers) / found;
    for (let factor = 2; factor <= rest; factor++) if (divides(found * factor)) return false;
    return true;
  },
});

const LCM = [
  { count: 2, most: 20 },
  { count: 2, most: 60 },
  { count: 3, most: 60 },
  { count: 3, most: 150 },
  { count: 4, most: 300 },
] as const;

/** The least common multiple of some numbers. */
export const lcm = instanceFamily({
  name: "lcm",
  description: "the least common multiple of several numbers",
  domain: DOMAIN,
  levels: ["2 numbers to 20", "2 to 60", "3 to 60", "3 to 150", "4 to 300"],
  instance: Numbers,
  draw(random, level) {
    const { count, most } = atLevel(LCM, level);
    const numbers = Array.from({ length: count }, () => random.int(2, most));
    if (new Set(numbers).size < count) return null;
    const answer = numbers.map(BigInt).reduce((sum, number) => (sum / gcdOf(sum, number)) * number, 1n);
    return { instance: { numbers }, answer: String(answer) };
  },
  text: ({ numbers }, wording) =>
    wording.pick([
      `What is the least common multiple of ${listed(numbers)}?`,
      `Find the smallest positive whole number that is divisible by each of ${listed(numbers)}.`,
      `Compute the LCM of ${listed(numbers)}.`,
    ]),
  answerForm: ["N", "N is a whole number"],
  read: readInteger,
  isRight: ({ numbers }, answer) => {
    const isMultiple = (value: bigint): boolean => numbers.every((number) => value % BigInt(number) === 0n);
    if (answer < 1n || !isMultiple(answer)) return false;
    // The least one divides every common multiple: were this another, some factor could be taken out of it.
    let rest = answer;
    for (let factor = 2n; factor <= Math.max(...numbers); factor++) {
      if (answer % factor === 0n && isMultiple(answer / factor)) return false;
      while (rest % factor === 0n) rest /= factor;
    }
    return rest === 1n;
  },
});

/** Whether a number up to about 10^9 is prime, by trial division. */
export function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}

const FACTORED = [
  [12, 200],
  [200, 3_000],
  [3_000, 60_000],
  [60_000, 1_000_000],
  [1_000_000, 50_000_000],
] as const;

/** The prime factors of a number. */
export const primeFactorization = instanceFamily({
  name: "prime-factorization",
  description: "a number as a product of primes",
  domain: DOMAIN,
  levels: ["numbers from 12 to 200", "to 3,000", "to 60,000", "to a million", "to 50 million"],
  instance: z.strictObject({ number: whole(4, 50_000_000) }),
  draw(random, level) {
    const [low, high] = atLevel(FACTORED, level);
    const number = random.int(low, high);
    const factors = factorsOf(number);
    // A prime is no task, and a large prime factor is one of patience alone.
    if (factors.length < 2 || (factors.at(-1) as number) > 2_000) return null;
    return { instance: { number }, answer: factors.join(" * ") };
  },
  text: ({ number }, wording) =>
    `${wording.pick(["Write", "Express"])} ${number} as a product of prime numbers, from the smallest to the largest, with repeated factors written out.`,
  answerForm: ["p * q * ...", "p, q, ... are prime numbers whose product it is"],
  read: readFactors,
  isRight: ({ number }, factors) =>
    factors.every(isPrime) &&
    factors.every((factor, i) => factor >= (factors[i - 1] ?? 2)) &&
    factors.reduce((product, factor) => product * factor, 1) === number,
});

function factorsOf(number: number): number[] {
  const factors: number[] = [];
  let rest = number;
  for (let divisor = 2; divisor * divisor <= rest; divisor++)
    for (; rest % divisor === 0; rest /= divisor) factors.push(divisor);
  return rest > 1 ? [...factors, rest] : factors;
}

/** Factors apart by * or commas; a power such as 2^3 counts as written out. */
function readFactors(text: string): number[] | null {
  const parts = plainAnswer(text).split(/\s*[*,]\s*|\s+x\s+/u);
  const factors: number[] = [];
  for (const part of parts) {
    const match = /^([0-9]{1,9})(?:\^\{?([0-9]{1,2})\}?)?$/u.exec(part);
    if (match === null || factors.length > 64) return null;
    factors.push(...Array.from({ length: Number(match[2] ?? 1) }, () => Number(match[1])));
  }
  return factors.length === 0 || factors.length > 64 ? null : factors;
}

const PRIMES = [
  { start: 50, length: 40 },
  { start: 200, length: 60 },
  { start: 1_000, length: 60 },
  { start: 5_000, length: 80 },
  { start: 20_000, length: 100 },
] as const;

/** How many primes stand in an interval. */
export const countPrimes = instanceFamily({
  name: "count-primes",
  description: "how many primes there are in an interval",
  domain: DOMAIN,
  levels: ["up to 40 numbers below 90", "60 below 260", "60 below 1,060", "80 below 5,080", "100 below 20,100"],
  instance: z.strictObject({ from: whole(1, 20_000), to: whole(1, 20_200) }),
  draw(random, level) {
    const { start, length } = atLevel(PRIMES, level);
    const from = random.int(level === 1 ? 1 : start / 10, start);
    const to = from + random.int(Math.floor(length / 3), length);
    return { instance: { from, to }, answer: String(sieve(to).filter((prime) => prime >= from).length) };
  },
  text: ({ from, to }, wording) =>
    wording.pick([
      `How many prime numbers are there from ${from} to ${to}, both included?`,
      `Count the primes p with ${from} <= p <= ${to}.`,
    ]),
  answerForm: ["N", "N is a whole number"],
  read: readInteger,
  isRight: ({ from, to }, answer) => {
    let count = 0;
    for (let number = from; number <= to; number++) if (isPrime(number)) count += 1;
    return answer === BigInt(count);
  },
});

/** The primes up to a limit, by crossing out multiples. */
function sieve(limit: number): number[] {
  const isCrossed = new Uint8Array(limit + 1);
  const primes: number[] = [];
  for (let number = 2; number <= limit; number++) {
    if (isCrossed[number] === 1) continue;
    primes.push(number);
    for (let multiple = number * number; multiple <= limit; multiple += number) isCrossed[multiple] = 1;
  }
  return primes;
}
