import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { evaluate } from "../expression.ts";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

const LEVELS = [
  { count: 3, most: 12, target: [10, 99] },
  { count: 4, most: 15, target: [20, 199] },
  { count: 4, most: 25, target: [100, 500] },
  { count: 5, most: 50, target: [100, 999] },
  { count: 6, most: 100, target: [200, 999] },
] as const;

interface Piece {
  readonly text: string;
  readonly value: number;
  readonly isLeaf: boolean;
}

/** A target from some numbers. Checked by reading the expression with a parser of our own and counting its numbers. */
export const countdown = instanceFamily({
  name: "countdown",
  description: "an expression with given numbers that comes to a target",
  domain: "puzzles",
  levels: ["3 numbers to 12", "4 to 15", "4 to 25", "5 to 50", "6 to 100"],
  instance: z.strictObject({ numbers: z.array(whole(1, 100)).min(3).max(6), target: whole(1, 999) }),
  draw(random, level) {
    const { count, most, target } = atLevel(LEVELS, level);
    const numbers = Array.from({ length: count }, () => random.int(1, most)).sort((a, b) => a - b);
    const found = joined(random, numbers);
    if (found === null || found.value < target[0] || found.value > target[1] || numbers.includes(found.value))
      return null;
    return { instance: { numbers, target: found.value }, answer: found.text };
  },
  text: ({ numbers, target }, wording) =>
    `${wording.pick(["Write", "Find", "Give"])} an expression that comes to ${target}, made of the numbers ${numbers.join(", ")} with +, -, *, / and parentheses. Each of these numbers may be used at most once (one that is listed twice, at most twice), and no others. Division must not be rounded.`,
  answerForm: ["EXPRESSION", "EXPRESSION is the expression alone, for example (3 + 4) * 2"],
  read: (text) => evaluate(plainAnswer(text).replace(/=\s*[0-9]{1,3}$/u, "")),
  isRight: ({ numbers, target }, { value, numbers: used }) => {
    const left = numbers.map(String);
    for (const number of used) {
      const place = left.indexOf(number.replace(/^0+(?=[0-9])/u, ""));
      if (place < 0) return false;
      left.splice(place, 1);
    }
    return value.d === 1n && value.n === BigInt(target);
  },
});

/** All the numbers in one expression whose values on the way are whole and positive; null where a step has no such value. */
function joined(random: Prng, numbers: readonly number[]): Piece | null {
  let pieces = numbers.map((value): Piece => ({ text: String(value), value, isLeaf: true }));
  while (pieces.length > 1) {
    const [one, other, ...rest] = random.shuffle(pieces) as [Piece, Piece, ...Piece[]];
    const [large, small] = one.value >= other.value ? [one, other] : [other, one];
    const sign = random.pick(["+", "-", "*", "/"] as const);
    const value = result(large.value, sign, small.value);
    if (value === null || value > 10_000) return null;
    const wrapped = ({ text, isLeaf }: Piece): string => (isLeaf ? text : `(${text})`);
    pieces = [{ text: `${wrapped(large)} ${sign} ${wrapped(small)}`, value, isLeaf: false }, ...rest];
  }
  return pieces[0] ?? null;
}

/** A whole and positive result, which is not one of the operands again; else null. */
function result(large: number, sign: "+" | "-" | "*" | "/", small: number): number | null {
  if (sign === "+") return large + small;
  if (sign === "-") return large > small && large - small !== small ? large - small : null;
  if (small === 1) return null;
  if (sign === "*") return large * small;
  return large % small === 0 && large > small ? large / small : null;
}
