/** @file Equations with whole solutions: linear ones, systems, polynomials. Checked by putting the answer in. */
import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { readInteger, readIntegers, readNamedIntegers } from "../read-answer.ts";

const DOMAIN = "algebra";
const coefficient = whole(-1_000_000, 1_000_000);

/** `3x`, `-x`, `+ 4`: a term with its sign, the sign apart unless it is the first. */
function term(factor: number, unknown: string, isFirst: boolean): string {
  const size = Math.abs(factor);
  const body = unknown === "" ? String(size) : `${size === 1 ? "" : size}${unknown}`;
  if (isFirst) return `${factor < 0 ? "-" : ""}${body}`;
  return ` ${factor < 0 ? "-" : "+"} ${body}`;
}

/** The sum of the terms that are not zero; `0` when all are. */
function sumText(terms: readonly (readonly [factor: number, unknown: string])[]): string {
  const shown = terms.filter(([factor]) => factor !== 0);
  return shown.length === 0 ? "0" : shown.map(([factor, unknown], i) => term(factor, unknown, i === 0)).join("");
}

const LINEAR = [
  { size: 9, hasBracket: false, isTwoSided: false },
  { size: 20, hasBracket: false, isTwoSided: true },
  { size: 20, hasBracket: true, isTwoSided: true },
  { size: 60, hasBracket: true, isTwoSided: true },
  { size: 300, hasBracket: true, isTwoSided: true },
] as const;

/** a(x + b) + c = dx + e. */
export const linearEquation = instanceFamily({
  name: "linear-equation",
  description: "a linear equation in one unknown with a whole solution",
  domain: DOMAIN,
  levels: ["ax + c = e to 9", "both sides to 20", "with a bracket to 20", "to 60", "to 300"],
  instance: z.strictObject({ a: coefficient, b: coefficient, c: coefficient, d: coefficient, e: coefficient }),
  draw(random, level) {
    const { size, hasBracket, isTwoSided } = atLevel(LINEAR, level);
    const other = (): number => random.int(1, size) * random.pick([1, -1]);
    const [a, b, c, d] = [random.int(2, size), hasBracket ? other() : 0, other(), isTwoSided ? other() : 0];
    const x = other();
    const e = a * (x + b) + c - d * x;
    return a === d ? null : { instance: { a, b, c, d, e }, answer: String(x) };
  },
  text: ({ a, b, c, d, e }, wording) => {
    const left =
      b === 0
        ? sumText([
            [a, "x"],
            [c, ""],
          ])
        : `${a}(${sumText([
            [1, "x"],
            [b, ""],
          ])})${c === 0 ? "" : term(c, "", false)}`;
    const right = sumText([
      [d, "x"],
      [e, ""],
    ]);
    const equation = `${left} = ${right}`;
    return wording.pick([
      `Solve for x: ${equation}`,
      `Find the number x for which ${equation}.`,
      `Which x satisfies ${equation}?`,
    ]);
  },
  answerForm: ["x", "x is a whole number, with a minus sign if it is negative"],
  read: (text) => readInteger(text.replace(/^\W*x\s*=/u, "")),
  isRight: ({ a, b, c, d, e }, x) => BigInt(a) * (x + BigInt(b)) + BigInt(c) === BigInt(d) * x + BigInt(e),
});

const UNKNOWNS = ["x", "y", "z", "w"] as const;
const SYSTEMS = [
  { unknowns: 2, size: 5 },
  { unknowns: 2, size: 15 },
  { unknowns: 3, size: 6 },
  { unknowns: 3, size: 15 },
  { unknowns: 4, size: 12 },
] as const;

/** As many linear equations as unknowns, with one solution. */
export const linearSystem = instanceFamily({
  name: "linear-system",
  description: "2 to 4 linear equations with one whole solution",
  domain: DOMAIN,
  levels: ["2 unknowns, coefficients to 5", "2, to 15", "3, to 6", "3, to 15", "4, to 12"],
  instance: z
    .strictObject({
      rows: z.array(z.array(coefficient).min(2).max(4)).min(2).max(4),
      sums: z.array(coefficient).max(4),
    })
    .refine(({ rows, sums }) => sums.length === rows.length && rows.every((row) => row.length === rows.length)),
  draw(random, level) {
    const { unknowns, size } = atLevel(SYSTEMS, level);
    const drawRow = (most: number): number[] => Array.from({ length: unknowns }, () => random.int(-most, most));
    const solution = drawRow(size + 5);
    const rows = Array.from({ length: unknowns }, () => drawRow(size));
    const sums = rows.map((row) => row.reduce((sum, factor, i) => sum + factor * (solution[i] as number), 0));
    const hasHoles = rows.some((row) => row.filter((factor) => factor !== 0).length < 2);
    if (hasHoles || determinant(rows) === 0) return null;
    return { instance: { rows, sums }, answer: solution.join(", ") };
  },
  text: ({ rows, sums }, wording) => {
    const equations = rows.map((row, i) => {
      const left = sumText(row.map((factor, j) => [factor, UNKNOWNS[j] as string]));
      return `${left} = ${sums[i]}`;
    });
    const unknowns = UNKNOWNS.slice(0, rows.length).join(", ");
    return `${wording.pick(["Solve the system of equations", "Find the solution of these equations"])} in the unknowns ${unknowns}:\n${equations.join("\n")}`;
  },
  answerForm: ["N, N, ...", "the numbers are the values of the unknowns in the order in which they are named above"],
  read: (text, { rows }) => readNamedIntegers(text, UNKNOWNS.slice(0, rows.length)),
  isRight: ({ rows, sums }, answer) =>
    rows.every(
      (row, i) =>
        row.reduce((sum, factor, j) => sum + BigInt(factor) * (answer[j] as bigint), 0n) === BigInt(sums[i] as number),
    ),
});

/** The determinant of a small matrix of whole numbers, by its first row. */
function determinant(rows: readonly (readonly number[])[]): number {
  const [first = [], ...rest] = rows;
  if (rest.length === 0) return first[0] as number;
  return first.reduce((sum, factor, column) => {
    const minor = rest.map((row) => row.filter((_, i) => i !== column));
    return sum + (column % 2 === 0 ? 1 : -1) * factor * determinant(minor);
  }, 0);
}

const ROOTS = [
  { roots: 2, size: 6, lead: 1 },
  { roots: 2, size: 15, lead: 3 },
  { roots: 3, size: 12, lead: 4 },
  { roots: 4, size: 9, lead: 2 },
  { roots: 5, size: 9, lead: 3 },
] as const;

/** A polynomial all of whose roots are whole and different. */
export const polynomialRoots = instanceFamily({
  name: "polynomial-roots",
  description: "all roots of a polynomial, which are whole and different",
  domain: DOMAIN,
  levels: ["degree 2, roots to 6", "degree 2, to 15", "degree 3, to 12", "degree 4, to 9", "degree 5, to 9"],
  instance: z.strictObject({ coefficients: z.array(whole(-10_000_000, 10_000_000)).min(3).max(6) }),
  draw(random, level) {
    const { roots, size, lead } = atLevel(ROOTS, level);
    const found = Array.from({ length: roots }, () => random.int(-size, size));
    if (new Set(found).size < roots) return null;
    const coefficients = found.reduce<number[]>(timesRoot, [random.int(1, lead)]);
    return { instance: { coefficients }, answer: found.sort((a, b) => a - b).join(", ") };
  },
  text: ({ coefficients }, wording) => {
    const degree = coefficients.length - 1;
    const powers = coefficients.map((factor, i) => [factor, powerOfX(degree - i)] as const);
    return `${wording.pick(["Find all numbers x with", "Solve for x:", "What are all solutions of"])} ${sumText(powers)} = 0. There are ${degree} different solutions, and all are whole numbers.`;
  },
  answerForm: ["N, N, ...", "the numbers are the solutions in any order"],
  read: (text) => readIntegers(text, 6),
  isRight: ({ coefficients }, answer) =>
    answer.length === coefficients.length - 1 &&
    new Set(answer).size === answer.length &&
    answer.every((x) => coefficients.reduce((value, factor) => value * x + BigInt(factor), 0n) === 0n),
});

const powerOfX = (power: number): string => (power === 0 ? "" : power === 1 ? "x" : `x^${power}`);

/** Coefficients, highest power first, times (x - root). */
function timesRoot(coefficients: readonly number[], root: number): number[] {
  return [...coefficients, 0].map((factor, i) => factor - root * (coefficients[i - 1] ?? 0));
}
