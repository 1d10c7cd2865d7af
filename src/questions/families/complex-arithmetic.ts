import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

type Complex = readonly [re: number, im: number];
const SIGNS = ["+", "-", "*"] as const;

const LEVELS = [
  { count: 2, size: 9 },
  { count: 3, size: 9 },
  { count: 3, size: 20 },
  { count: 4, size: 20 },
  { count: 5, size: 30 },
] as const;

/** Sums, differences and products of a + bi with whole a and b. Checked with 2 by 2 matrices in their stead. */
export const complexArithmetic = instanceFamily({
  name: "complex-arithmetic",
  description: "sums, differences and products of complex numbers with whole parts",
  domain: "algebra",
  levels: ["2 numbers to 9", "3 to 9", "3 to 20", "4 to 20", "5 to 30"],
  instance: z
    .strictObject({
      numbers: z
        .array(z.tuple([whole(-30, 30), whole(-30, 30)]))
        .min(2)
        .max(5),
      signs: z.array(z.enum(SIGNS)).min(1).max(4),
    })
    .refine(({ numbers, signs }) => signs.length === numbers.length - 1),
  draw(random, level) {
    const { count, size } = atLevel(LEVELS, level);
    const part = (): number => random.int(1, size) * random.pick([1, -1]);
    const numbers = Array.from({ length: count }, (): [number, number] => [part(), part()]);
    const signs = Array.from({ length: count - 1 }, (_, i) => (i === 0 ? "*" : random.pick(SIGNS)));
    const value = numbers.reduce<Complex>(
      (left, right, i) => (i === 0 ? right : apply(left, signs[i - 1] as (typeof SIGNS)[number], right)),
      [0, 0],
    );
    return { instance: { numbers, signs }, answer: complexText(value) };
  },
  text: ({ numbers, signs }, wording) => {
    const [first = "", ...rest] = numbers.map((number) => `(${complexText(number)})`);
    const expression = rest.reduce(
      (text, number, i) => (i === 0 ? `${text} ${signs[i]} ${number}` : `(${text}) ${signs[i]} ${number}`),
      first,
    );
    return `${wording.pick(["Compute", "Simplify", "Work out"])} ${expression}, where i^2 = -1.`;
  },
  answerForm: ["a+bi", "a and b are whole numbers, for example 3-2i"],
  read: readComplex,
  isRight: ({ numbers, signs }, [re, im]) => {
    const found = numbers.map(matrixOf).reduce((left, right, i) => combined(left, signs[i - 1] ?? "+", right));
    return found[0] === re && found[2] === im;
  },
});

function apply([a, b]: Complex, sign: (typeof SIGNS)[number], [c, d]: Complex): Complex {
  if (sign === "+") return [a + c, b + d];
  return sign === "-" ? [a - c, b - d] : [a * c - b * d, a * d + b * c];
}

function complexText([re, im]: Complex): string {
  const size = Math.abs(im) === 1 ? "" : Math.abs(im);
  return `${re}${im < 0 ? "-" : "+"}${size}i`;
}

/** `3-2i`, and what leaves a part out: `3`, `-2i`, `i`. */
function readComplex(text: string): Complex | null {
  const bare = plainAnswer(text).replace(/\s+/gu, "");
  const match = /^(?:([-+]?[0-9]{1,15})(?![0-9i]))?(?:([-+]?)([0-9]{1,15})?i)?$/u.exec(bare);
  if (match === null || bare === "") return null;
  const [, re = "0", sign, size] = match;
  const hasReal = match[1] !== undefined;
  const hasImaginary = bare.endsWith("i");
  if (hasReal && hasImaginary && sign === "") return null;
  return [Number(re), hasImaginary ? Number(size ?? 1) * (sign === "-" ? -1 : 1) : 0];
}

type Matrix = readonly [number, number, number, number];

const matrixOf = ([re, im]: Complex): Matrix => [re, -im, im, re];

function combined(left: Matrix, sign: (typeof SIGNS)[number], right: Matrix): Matrix {
  const [a, b, c, d] = left;
  const [e, f, g, h] = right;
  if (sign === "*") return [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h];
  const way = sign === "+" ? 1 : -1;
  return [a + way * e, b + way * f, c + way * g, d + way * h];
}
