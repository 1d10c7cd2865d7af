/** @file Cards' Markdown: text of others that stays text, and tables. */
import { oneLine, TEXT_CAPS } from "./plain-text.ts";

/** Text of others in one line of Markdown: nothing in it is markup. */
export function markdownCell(text: string): string {
  return oneLine(text, TEXT_CAPS.sentence).replace(/[\\`*_[\]<>|#!]/g, (found) => (found === "_" ? "_" : `\\${found}`));
}

/** A table of such texts; "None." without rows. */
export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "None.";
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(" | ")} |`;
  return [line(headings), `| ${headings.map(() => "---").join(" | ")} |`, ...rows.map(line)].join("\n");
}
