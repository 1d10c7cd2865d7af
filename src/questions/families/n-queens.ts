import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { readIntegers } from "../read-answer.ts";

const LEVELS = [
  { size: 5, given: 1, blocked: 4 },
  { size: 6, given: 1, blocked: 5 },
  { size: 7, given: 2, blocked: 6 },
  { size: 8, given: 2, blocked: 8 },
  { size: 10, given: 2, blocked: 14 },
] as const;

const square = z.tuple([whole(1, 12), whole(1, 12)]);

/** Queens on a board, some placed already and some squares blocked. Any placement that keeps the rules is right. */
export const nQueens = instanceFamily({
  name: "n-queens",
  description: "queens that do not attack one another, some placed already, some squares blocked",
  domain: "puzzles",
  levels: ["5 by 5", "6 by 6", "7 by 7", "8 by 8", "10 by 10"],
  instance: z.strictObject({ size: whole(4, 12), given: z.array(square).max(12), blocked: z.array(square).max(40) }),
  draw(random, level) {
    const { size, given, blocked } = atLevel(LEVELS, level);
    const columns = placed(random, size, []);
    if (columns === null) return null;
    const rows = random.shuffle(columns.map((_, i) => i));
    const squareOf = (row: number): [number, number] => [row + 1, columns[row] as number];
    const free = Array.from({ length: size * size }, (_, i): [number, number] => [
      Math.floor(i / size) + 1,
      (i % size) + 1,
    ]);
    const others = random.shuffle(free.filter(([row, column]) => columns[row - 1] !== column)).slice(0, blocked);
    const inOrder = (squares: [number, number][]) => squares.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const instance = { size, given: inOrder(rows.slice(0, given).map(squareOf)), blocked: inOrder(others) };
    return { instance, answer: columns.join(", ") };
  },
  text: ({ size, given, blocked }, wording) => {
    const shown = (squares: readonly (readonly [number, number])[]): string =>
      squares.map(([row, column]) => `(${row}, ${column})`).join(", ");
    return `${wording.pick(["Place", "Put"])} ${size} queens on a ${size} by ${size} board so that no two stand in one row, one column or one diagonal. Squares are written (row, column), both from 1. Queens stand already on ${shown(given)}; no queen may stand on ${shown(blocked)}.`;
  },
  answerForm: [
    "c1, c2, ...",
    "the numbers are the columns of the queens in row 1, row 2 and so on, those already placed included",
  ],
  read: (text, { size }) => {
    const columns = readIntegers(text, 12);
    return columns?.length === size ? columns.map(Number) : null;
  },
  isRight: ({ size, given, blocked }, columns) => {
    const stands = ([row, column]: readonly [number, number]): boolean => columns[row - 1] === column;
    const isOnBoard = columns.every((column) => column >= 1 && column <= size);
    const isPeaceful = columns.every((column, row) =>
      columns.every((other, at) => at <= row || (other !== column && Math.abs(other - column) !== at - row)),
    );
    return isOnBoard && isPeaceful && given.every(stands) && !blocked.some(stands);
  },
});

/** The columns of queens row by row, at random; null where these first ones have no continuation. */
function placed(random: Prng, size: number, columns: readonly number[]): number[] | null {
  const row = columns.length;
  if (row === size) return [...columns];
  for (const column of random.shuffle(Array.from({ length: size }, (_, i) => i + 1))) {
    const isFree = columns.every((other, at) => other !== column && Math.abs(other - column) !== row - at);
    const whole = isFree ? placed(random, size, [...columns, column]) : null;
    if (whole !== null) return whole;
  }
  return null;
}
