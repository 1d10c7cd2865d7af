/** @file Families that ask for an expression's value: whole numbers, decimals, fractions. All are checked by reading the expression. */
import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { evaluate } from "../expression.ts";
import { combine, type Fraction, fraction, fractionText, gcdOf, isSame } from "../fraction.ts";
import { atLevel, instanceFamily, type QuestionParts } from "../instance-family.ts";
import { readDecimal, readInteger, readRatio } from "../read-answer.ts";

const Expression = z.strictObject({ expression: z.string().max(400) });
type Expression = z.infer<typeof Expression>;

/** A piece of an expression while it is built; `strength` says how tightly its last operation binds. */
interface Piece {
  readonly text: string;
  readonly value: Fraction;
  readonly strength: 1 | 2 | 3;
}

/** An expression of so many operations over numbers that `leaf` draws. */
function build(random: Prng, operations: number, leaf: (random: Prng) => Piece): Piece {
  if (operations === 0) return leaf(random);
  const before = random.int(0, operations - 1);
  const left = build(random, before, leaf);
  const right = build(random, operations - 1 - before, leaf);
  return join(left, random.pick(["+", "-", "*"] as const), right);
}

function join(left: Piece, sign: "+" | "-" | "*", right: Piece): Piece {
  const strength = sign === "*" ? 2 : 1;
  const wrapped = ({ text, strength: own }: Piece, isWrapped: boolean): string =>
    isWrapped || own < strength ? `(${text})` : text;
  const text = `${wrapped(left, false)} ${sign} ${wrapped(right, sign === "-" && right.strength === 1)}`;
  return { text, strength, value: combine(left.value, sign, right.value) as Fraction };
}

type ExpressionParts = Pick<QuestionParts<Expression>, "name" | "description" | "levels">;
const OPENINGS = ["Work out", "Compute", "What is the value of"];

const shared = (parts: ExpressionParts) => ({
  ...parts,
  domain: "arithmetic",
  instance: Expression,
  text: ({ expression }: Expression, wording: Prng): string => {
    const opening = wording.pick(OPENINGS);
    const end = opening.startsWith("What") ? "?" : ".";
    return `${opening} ${expression}${end} Multiplication comes before addition and subtraction.`;
  },
});

const WHOLE = [
  { operations: 2, most: 20 },
  { operations: 3, most: 50 },
  { operations: 4, most: 99 },
  { operations: 6, most: 99 },
  { operations: 8, most: 250 },
];

/** Sums, differences and products of whole numbers, with parentheses. */
export const basicArithmetic = instanceFamily({
  ...shared({
    name: "basic-arithmetic",
    description: "whole numbers, + - * and parentheses",
    levels: ["2 operations on numbers to 20", "3 to 50", "4 to 99", "6 to 99", "8 operations on numbers to 250"],
  }),
  draw(random, level) {
    const { operations, most } = atLevel(WHOLE, level);
    const leaf = (): Piece => {
      const number = random.int(2, most);
      return { text: String(number), value: fraction(BigInt(number)), strength: 3 };
    };
    const { text, value } = build(random, operations, leaf);
    const isFit = value.n < 10n ** 9n && value.n > -(10n ** 9n);
    return isFit ? { instance: { expression: text }, answer: fractionText(value) } : null;
  },
  answerForm: ["N", "N is a whole number, with a minus sign if it is negative"],
  read: readInteger,
  isRight: ({ expression }, answer) => isValue(expression, fraction(answer)),
});

const DECIMALS = [
  { operations: 1, places: 1, most: 20 },
  { operations: 2, places: 1, most: 50 },
  { operations: 2, places: 2, most: 50 },
  { operations: 3, places: 2, most: 99 },
  { operations: 4, places: 3, most: 99 },
];

/** The same with decimals; the exact value is asked for. */
export const decimalArithmetic = instanceFamily({
  ...shared({
    name: "decimal-arithmetic",
    description: "decimal numbers, + - * and parentheses, exactly",
    levels: [
      "1 operation, 1 decimal place",
      "2 operations, 1 place",
      "2 operations, 2 places",
      "3 operations, 2 places",
      "4 operations, 3 places",
    ],
  }),
  draw(random, level) {
    const { operations, places, most } = atLevel(DECIMALS, level);
    const leaf = (): Piece => {
      const scale = 10 ** places;
      const scaled = random.int(scale / 10, most * scale);
      const text = `${Math.floor(scaled / scale)}.${String(scaled % scale).padStart(places, "0")}`;
      return { text, value: fraction(BigInt(scaled), BigInt(scale)), strength: 3 };
    };
    const { text, value } = build(random, operations, leaf);
    return { instance: { expression: text }, answer: decimalText(value) };
  },
  answerForm: ["N", "N is the exact value in decimal notation, not rounded"],
  read: readDecimal,
  isRight: ({ expression }, answer) => isValue(expression, answer),
});

/** The decimal notation of a fraction whose denominator divides a power of ten. */
function decimalText({ n, d }: Fraction): string {
  let places = 0;
  while ((10n ** BigInt(places) * n) % d !== 0n) places += 1;
  const digits = String((10n ** BigInt(places) * (n < 0n ? -n : n)) / d).padStart(places + 1, "0");
  const cut = digits.length - places;
  return `${n < 0n ? "-" : ""}${digits.slice(0, cut)}${places === 0 ? "" : `.${digits.slice(cut)}`}`;
}

const FRACTIONS = [
  { operations: 1, most: 9 },
  { operations: 2, most: 9 },
  { operations: 2, most: 20 },
  { operations: 3, most: 20 },
  { operations: 4, most: 30 },
];

/** The same with fractions; the answer is asked for in lowest terms. */
export const fractionArithmetic = instanceFamily({
  ...shared({
    name: "fraction-arithmetic",
    description: "fractions, + - * and parentheses, answered in lowest terms",
    levels: [
      "1 operation on fractions of numbers to 9",
      "2 operations to 9",
      "2 operations to 20",
      "3 operations to 20",
      "4 operations to 30",
    ],
  }),
  draw(random, level) {
    const { operations, most } = atLevel(FRACTIONS, level);
    const leaf = (): Piece => {
      const [n, d] = [random.int(1, most), random.int(2, most)];
      return { text: `${n}/${d}`, value: fraction(BigInt(n), BigInt(d)), strength: 3 };
    };
    const { text, value } = build(random, operations, leaf);
    return { instance: { expression: text }, answer: fractionText(value) };
  },
  answerForm: ["p/q", "p/q is a fraction in lowest terms with a positive denominator, or a whole number"],
  read: readRatio,
  isRight: ({ expression }, { n, d }) => gcdOf(n, d) === 1n && isValue(expression, fraction(n, d)),
});

function isValue(expression: string, answer: Fraction): boolean {
  const found = evaluate(expression);
  return found !== null && isSame(found.value, answer);
}
