import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { atLevel, instanceFamily } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

/** Boards by their size: rows and columns of a box. */
const BOXES: Readonly<Record<number, readonly [rows: number, columns: number]>> = { 4: [2, 2], 6: [2, 3] };

const LEVELS = [
  { size: 4, empty: 6 },
  { size: 4, empty: 9 },
  { size: 6, empty: 14 },
  { size: 6, empty: 18 },
  { size: 6, empty: 22 },
] as const;

/** A small Sudoku with one solution. Checked by its rules, not against that solution. */
export const miniSudoku = instanceFamily({
  name: "mini-sudoku",
  description: "a Sudoku of 4 by 4 or 6 by 6 with one solution",
  domain: "puzzles",
  levels: ["4 by 4, 6 empty", "4 by 4, 9 empty", "6 by 6, 14 empty", "6 by 6, 18 empty", "6 by 6, 22 empty"],
  instance: z.strictObject({
    rows: z
      .array(z.string().regex(/^[1-6_]{4,6}$/))
      .min(4)
      .max(6)
      .refine((rows) => BOXES[rows.length] !== undefined && rows.every((row) => row.length === rows.length)),
  }),
  draw(random, level) {
    const { size, empty } = atLevel(LEVELS, level);
    const [solution] = solutions(
      Array.from({ length: size * size }, () => 0),
      { size, limit: 1, random },
    );
    if (solution === undefined) return null;
    const cells = [...solution];
    let left: number = empty;
    for (const place of random.shuffle(cells.map((_, i) => i))) {
      if (left === 0) break;
      const digit = cells[place] as number;
      cells[place] = 0;
      if (solutions(cells, { size, limit: 2 }).length === 1) left -= 1;
      else cells[place] = digit;
    }
    if (left > 0) return null;
    return { instance: { rows: rowsOf(cells, size) }, answer: rowsOf(solution, size).join(" ") };
  },
  text: ({ rows }, wording) => {
    const size = rows.length;
    const [high, wide] = BOXES[size] as readonly [number, number];
    return `${wording.pick(["Fill in", "Complete"])} this ${size} by ${size} Sudoku: every row, every column and every box of ${high} rows and ${wide} columns holds each of the digits 1 to ${size} once. The boxes begin in the top left corner, and _ is an empty cell.\n${rows.join("\n")}`;
  },
  answerForm: ["ROW ROW ...", "each ROW is the digits of one row, from the top, rows apart by spaces"],
  read: (text, { rows }) => {
    const digits = plainAnswer(text).replace(/[\s,;|/]+/gu, "");
    const size = rows.length;
    if (!/^[1-6]+$/u.test(digits) || digits.length !== size * size) return null;
    return Array.from(digits, Number);
  },
  isRight: ({ rows }, cells) => {
    const size = rows.length;
    const isComplete = unitsOf(size).every((unit) => new Set(unit.map((place) => cells[place])).size === size);
    const keepsGiven = Array.from(rows.join("")).every(
      (given, place) => given === "_" || Number(given) === cells[place],
    );
    return isComplete && keepsGiven && cells.every((digit) => digit <= size);
  },
});

/** The places of each row, column and box. */
function unitsOf(size: number): number[][] {
  const [high, wide] = BOXES[size] as readonly [number, number];
  const places = Array.from({ length: size * size }, (_, place) => place);
  const by = (unit: (row: number, column: number) => number): number[][] =>
    Array.from({ length: size }, (_, wanted) =>
      places.filter((place) => unit(Math.floor(place / size), place % size) === wanted),
    );
  const box = (row: number, column: number): number =>
    Math.floor(row / high) * (size / wide) + Math.floor(column / wide);
  return [...by((row) => row), ...by((_, column) => column), ...by(box)];
}

const rowsOf = (cells: readonly number[], size: number): string[] =>
  Array.from({ length: size }, (_, row) =>
    cells
      .slice(row * size, (row + 1) * size)
      .map((digit) => (digit === 0 ? "_" : digit))
      .join(""),
  );

/** Completed boards, at most `limit`; in a random order with `random`. 0 stands for an empty cell. */
function solutions(
  cells: readonly number[],
  options: { readonly size: number; readonly limit: number; readonly random?: Prng },
): number[][] {
  const { size, limit, random } = options;
  const place = fewestChoices(cells, size);
  if (place === null) return [[...cells]];
  const found: number[][] = [];
  const choices = choicesAt(cells, place, size);
  for (const digit of random === undefined ? choices : random.shuffle(choices)) {
    const next = cells.map((other, at) => (at === place ? digit : other));
    found.push(...solutions(next, { ...options, limit: limit - found.length }));
    if (found.length >= limit) break;
  }
  return found;
}

/** The empty cell with the fewest digits to choose from; null where none is empty. */
function fewestChoices(cells: readonly number[], size: number): number | null {
  let best: number | null = null;
  let least = size + 1;
  for (const [place, digit] of cells.entries()) {
    if (digit !== 0) continue;
    const count = choicesAt(cells, place, size).length;
    if (count < least) [best, least] = [place, count];
  }
  return best;
}

function choicesAt(cells: readonly number[], place: number, size: number): number[] {
  const [high, wide] = BOXES[size] as readonly [number, number];
  const [row, column] = [Math.floor(place / size), place % size];
  const taken = new Set<number>();
  for (let i = 0; i < size; i++) {
    taken.add(cells[row * size + i] as number);
    taken.add(cells[i * size + column] as number);
    const boxRow = row - (row % high) + Math.floor(i / wide);
    const boxColumn = column - (column % wide) + (i % wide);
    taken.add(cells[boxRow * size + boxColumn] as number);
  }
  return Array.from({ length: size }, (_, i) => i + 1).filter((digit) => !taken.has(digit));
}
