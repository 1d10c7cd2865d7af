/** @file python/oracle/selection_oracle.py as a function; it needs a Python, and nothing else. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Candidate } from "../src/curate/candidate.ts";
import type { Recipe } from "../src/schema/recipe.ts";

const ORACLE = join(import.meta.dirname, "../python/oracle/selection_oracle.py");
const PYTHON = process.env.PYTHON ?? "python3";

/** Whether there is a Python; says so where there is none. */
export const hasPython = spawnSync(PYTHON, ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;
if (!hasPython) console.warn(`selection oracle SKIPPED: no ${PYTHON} of version 3.9 or newer here`);

/** What is selected, and by which of s1's rules. */
export interface OracleCase extends Pick<Recipe["select"], "count" | "seeds" | "shape" | "redrawSeeds"> {
  readonly seed: number;
}

/** The oracle's choice for each case: trace id and rule, in the order of the choice. Every seed rule must want right traces. */
export function askSelectionOracle(pool: readonly Candidate[], cases: readonly OracleCase[]): string[][][] {
  const input = JSON.stringify({
    pool: pool.map((row) => [row.traceId, row.source, row.domain, row.isCorrect, row.thinkingTokens]),
    cases: cases.map(({ count, seed, seeds = [], shape, redrawSeeds = false }) => ({
      count,
      seed,
      redraw: redrawSeeds,
      seeds: seeds.map(({ source, longerThan = null }) => [source, longerThan]),
      shape: shape === undefined ? null : { ...shape, like: shape.like.map(({ source, ratio }) => [source, ratio]) },
    })),
  });
  const { status, stdout, stderr } = spawnSync(PYTHON, [ORACLE], { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (status !== 0 || stderr !== "") throw new Error(`the oracle failed: ${stderr}`);
  return JSON.parse(stdout) as string[][][];
}
