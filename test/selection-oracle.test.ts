/** @file The selection draw by draw against python/oracle/selection_oracle.py, which is written from s1's description alone. */
import { describe, expect, test } from "vitest";
import { prng } from "../src/core/prng.ts";
import { shortHash } from "../src/core/hash.ts";
import type { Candidate } from "../src/curate/candidate.ts";
import { selectExamples } from "../src/curate/select.ts";
import { askSelectionOracle, hasPython, type OracleCase } from "./ask-selection-oracle.ts";

/** s1's sources by their share of the hard pool, about, and how long their traces are. */
const SOURCES = [
  ["qq8933/AIME_1983_2024", 0.03, 4700],
  ["Idavidrein/gpqa", 0.015, 2900],
  ["simplescaling/openaimath", 0.15, 2900],
  ["AI-MO/NuminaMath-CoT/aops_forum", 0.6, 4100],
  ["KbsdJames/Omni-MATH", 0.205, 4400],
] as const;
const DOMAINS = 51;

/** A pool like s1's hard one: domains of very different sizes, many equal lengths, half of the traces right. */
function hardPool(size: number): Candidate[] {
  const random = prng("hard pool");
  return Array.from({ length: size }, (_, i): Candidate => {
    const u = random.next();
    let below = 0;
    const [source, , typical] = SOURCES.find(([, share]) => u < (below += share)) ?? SOURCES[3];
    const thinkingTokens = Math.round((typical * Math.exp(0.6 * random.normal())) / 50) * 50;
    const domain = `${10 + Math.floor(DOMAINS * random.next() ** 2.5)}`;
    const ids = { questionId: shortHash(`q${i}`), traceId: shortHash(`t${i}`) };
    return { ...ids, source, domain, isCorrect: random.next() < 0.53, thinkingTokens };
  });
}

const S1_SEEDS = [
  { source: "Idavidrein/gpqa", requireCorrect: true },
  { source: "qq8933/AIME_1983_2024", requireCorrect: true },
  { source: "simplescaling/openaimath", requireCorrect: true, longerThan: 5600 },
];
const S1_SHAPE = {
  after: 0.7,
  like: [
    { source: "qq8933/AIME_1983_2024", ratio: 1 },
    { source: "Idavidrein/gpqa", ratio: 0.5 },
  ],
};

const WHOLE = { seeds: S1_SEEDS, shape: S1_SHAPE };

function ours(pool: readonly Candidate[], one: OracleCase): string[][] {
  return selectExamples(pool, { ...one, method: "s1" }).kept.map(({ traceId, reason }) => [traceId, reason]);
}

describe.skipIf(!hasPython)("selectExamples, method s1, against an independent oracle", () => {
  test("gives the same traces by the same rules in the same order, for 200 seeds", { timeout: 300_000 }, () => {
    const pool = hardPool(2_400);
    const cases = Array.from({ length: 200 }, (_, seed): OracleCase => {
      const count = [500, 200, 1_000, 400][seed % 4] as number;
      return { seed, count, redrawSeeds: seed % 8 >= 4, ...(seed % 10 === 9 ? {} : WHOLE) };
    });
    const expected = askSelectionOracle(pool, cases);
    cases.forEach((one, place) => expect(ours(pool, one), JSON.stringify(one)).toEqual(expected[place]));
    const reasons = (place: number): Set<string> =>
      new Set((expected[place] ?? []).map(([, reason]) => String(reason)));
    expect(reasons(0)).toEqual(new Set(["seed", "uniform-domain", "benchmark-domain"]));
  });
  test("agrees where domains run out, the benchmark's too", { timeout: 300_000 }, () => {
    const pool = hardPool(900);
    const cases = Array.from({ length: 40 }, (_, seed): OracleCase => {
      return { seed, count: 880, redrawSeeds: seed % 2 === 1, ...WHOLE };
    });
    const expected = askSelectionOracle(pool, cases);
    cases.forEach((one, place) => expect(ours(pool, one), JSON.stringify(one)).toEqual(expected[place]));
  });
});
