/** @file Cases of fixtures/grade, run through the command's own code path. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { GoldCache } from "../../src/grade/gold-cache.ts";
import { gradeLine } from "../../src/grade/grade-line.ts";
import type { GradeRow } from "../../src/schema/grade-row.ts";

/** A line of a file of cases: its text, and what it holds. */
export interface CaseLine<T> {
  readonly number: number;
  readonly text: string;
  readonly value: T;
}

/** The cases of a file in fixtures/grade. */
export function casesOf<T>(name: string): CaseLine<T>[] {
  const lines = readFileSync(resolve("fixtures/grade", name), "utf8").trimEnd().split("\n");
  return lines.map((text, n) => ({ number: n + 1, text, value: JSON.parse(text) as T }));
}

const grading = { golds: new GoldCache(), profile: "math" } as const;

/** What `grappa grade --jsonl` prints for a line. */
export function gradeText(text: string, number = 1): GradeRow {
  return gradeLine({ number, text }, grading);
}
