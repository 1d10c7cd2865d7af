/** @file Number theory with digits and bits: other bases, powers modulo a number, bitwise operations. */
import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer, readInteger } from "../read-answer.ts";

const BASES = [
  { bases: [2, 10], most: 63 },
  { bases: [2, 8, 10, 16], most: 500 },
  { bases: [2, 3, 5, 8, 10, 16], most: 5_000 },
  { bases: [3, 5, 7, 9, 11, 12, 16], most: 50_000 },
  { bases: [4, 6, 7, 9, 11, 13, 14, 15], most: 1_000_000 },
] as const;

/** A number written in one base, to be written in another. */
export const baseConversion = instanceFamily({
  name: "base-conversion",
  description: "a number from one base into another",
  domain: "number theory",
  levels: [
    "binary and decimal, to 63",
    "bases 2, 8, 10, 16, to 500",
    "six bases, to 5,000",
    "seven bases, to 50,000",
    "uncommon bases, to a million",
  ],
  instance: z.strictObject({ digits: z.string().regex(/^[0-9a-e]{1,40}$/), from: whole(2, 16), to: whole(2, 16) }),
  draw(random, level) {
    const { bases, most } = atLevel(BASES, level);
    const [from, to] = random.shuffle<number>(bases) as [number, number];
    const number = random.int(Math.floor(most / 20) + 5, most);
    const digits = number.toString(from);
    if (digits.includes("f")) return null;
    return { instance: { digits, from, to }, answer: number.toString(to) };
  },
  text: ({ digits, from, to }, wording) =>
    `${wording.pick(["Convert", "Rewrite"])} the number ${digits} from base ${from} to base ${to}.${Math.max(from, to) > 10 ? " The letters a to f stand for the digits 10 to 15." : ""}`,
  answerForm: ["DIGITS", "DIGITS is the number in the new base, without prefix or leading zeros"],
  read: (text) =>
    /^([1-9a-f][0-9a-f]{0,63})(?:_\{?[0-9]{1,2}\}?)?$/u.exec(plainAnswer(text).toLowerCase())?.[1] ?? null,
  isRight: ({ digits, from, to }, answer) => {
    const value = valueOf(digits, from);
    return value !== null && value === valueOf(answer, to);
  },
});

function valueOf(digits: string, base: number): bigint | null {
  let value = 0n;
  for (const character of digits) {
    const digit = "0123456789abcdef".indexOf(character);
    if (digit < 0 || digit >= base) return null;
    value = value * BigInt(base) + BigInt(digit);
  }
  return value;
}

const POWERS = [
  { base: 12, exponent: 12, modulus: 20 },
  { base: 30, exponent: 40, modulus: 50 },
  { base: 99, exponent: 200, modulus: 100 },
  { base: 500, exponent: 1_000, modulus: 500 },
  { base: 2_000, exponent: 5_000, modulus: 1_000 },
] as const;

/** The remainder of a power. */
export const modularPower = instanceFamily({
  name: "modular-power",
  description: "the remainder of a power",
  domain: "number theory",
  levels: [
    "a^b mod m to 12, 12, 20",
    "to 30, 40, 50",
    "to 99, 200, 100",
    "to 500, 1,000, 500",
    "to 2,000, 5,000, 1,000",
  ],
  instance: z.strictObject({ base: whole(2, 2_000), exponent: whole(2, 5_000), modulus: whole(2, 1_000) }),
  draw(random, level) {
    const most = atLevel(POWERS, level);
    const instance = {
      base: random.int(2, most.base),
      exponent: random.int(3, most.exponent),
      modulus: random.int(3, most.modulus),
    };
    return { instance, answer: String(bySquaring(instance)) };
  },
  text: ({ base, exponent, modulus }, wording) =>
    wording.pick([
      `What is the remainder when ${base}^${exponent} is divided by ${modulus}?`,
      `Compute ${base}^${exponent} mod ${modulus}.`,
    ]),
  answerForm: ["N", "N is the remainder, at least 0 and less than the divisor"],
  read: readInteger,
  isRight: ({ base, exponent, modulus }, answer) => {
    let power = 1;
    for (let i = 0; i < exponent; i++) power = (power * base) % modulus;
    return answer === BigInt(power);
  },
});

function bySquaring({ base, exponent, modulus }: { base: number; exponent: number; modulus: number }): number {
  let [power, square] = [1 % modulus, base % modulus];
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = (power * square) % modulus;
    square = (square * square) % modulus;
  }
  return power;
}

const SIGNS = ["AND", "OR", "XOR"] as const;
const BITS = [
  { count: 2, bits: 4 },
  { count: 3, bits: 5 },
  { count: 3, bits: 8 },
  { count: 4, bits: 10 },
  { count: 6, bits: 12 },
] as const;

/** AND, OR and XOR of whole numbers, one after another. */
export const bitwise = instanceFamily({
  name: "bitwise",
  description: "AND, OR and XOR of whole numbers, bit by bit",
  domain: "number theory",
  levels: ["2 numbers of 4 bits", "3 of 5", "3 of 8", "4 of 10", "6 numbers of 12 bits"],
  instance: z
    .strictObject({ numbers: z.array(whole(0, 4_095)).min(2).max(6), signs: z.array(z.enum(SIGNS)).min(1).max(5) })
    .refine(({ numbers, signs }) => signs.length === numbers.length - 1),
  draw(random, level) {
    const { count, bits } = atLevel(BITS, level);
    const numbers = Array.from({ length: count }, () => random.int(1, 2 ** bits - 1));
    const signs = Array.from({ length: count - 1 }, () => random.pick(SIGNS));
    const value = numbers.reduce((left, right, i) => apply(signs[i - 1] as (typeof SIGNS)[number], left, right));
    return { instance: { numbers, signs }, answer: String(value) };
  },
  text: ({ numbers, signs }, wording) => {
    const [first = 0, ...rest] = numbers;
    const inner = rest.reduce(
      (text, number, i) => (i === 0 ? `${text} ${signs[i]} ${number}` : `(${text}) ${signs[i]} ${number}`),
      String(first),
    );
    return `${wording.pick(["Compute", "Work out", "Evaluate"])} ${inner}, where the numbers are decimal and the operations are bitwise.`;
  },
  answerForm: ["N", "N is a whole number in decimal notation"],
  read: readInteger,
  isRight: ({ numbers, signs }, answer) => {
    const bitsOf = (value: number): string => value.toString(2).padStart(12, "0");
    const found = numbers
      .map(bitsOf)
      .reduce((left, right, i) =>
        Array.from(left, (bit, place) => truth(signs[i - 1], bit === "1", right[place] === "1")).join(""),
      );
    return answer === BigInt(`0b${found}`);
  },
});

function apply(sign: (typeof SIGNS)[number], left: number, right: number): number {
  if (sign === "AND") return left & right;
  return sign === "OR" ? left | right : left ^ right;
}

function truth(sign: string | undefined, left: boolean, right: boolean): "0" | "1" {
  const holds = sign === "AND" ? left && right : sign === "OR" ? left || right : left !== right;
  return holds ? "1" : "0";
}
