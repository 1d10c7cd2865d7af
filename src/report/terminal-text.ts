/** @file Parts that every page of terminal text is made of: 80 columns, no colour codes. */
import { noBreak } from "./number-format.ts";

/** Columns of a terminal that nobody has widened. */
export const COLUMNS = 80;
/** Cells of a bar. */
export const BAR_CELLS = 16;

/** A bar of eighths of a character cell, so that 16 cells tell 128 lengths apart; not padded. */
export function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS * 8);
  const rest = eighths % 8;
  return (
    "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest] ?? ""))
  );
}

/** Words broken into lines of at most `COLUMNS`, each indented by two spaces; a longer word is cut into pieces. */
export function wrapped(text: string): string[] {
  const widest = COLUMNS - 2;
  const words = noBreak(text)
    .split(" ")
    .flatMap((word) => word.replaceAll("\u00a0", " ").match(new RegExp(`.{1,${widest}}`, "gu")) ?? []);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= widest) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `  ${line}`);
}

/** A column of a table: its heading and width; the first column is set left, the others right. */
export interface TextColumn {
  readonly label: string;
  readonly width: number;
}

/** A heading and rows in columns one space apart, indented by two spaces. Cells must fit; see `oneLine`. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `  ${columns
      .map(({ width }, index) => {
        const cell = cells[index] ?? "";
        return index === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join(" ")}`.trimEnd();
  return [line(columns.map(({ label }) => label)), ...rows.map(line)];
}
