import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestAtK, type RankedSample } from "./best-at-k.ts";
import { type Ballot, majorityAtK } from "./majority-at-k.ts";
import { passAllAtK, passAtK } from "./pass-at-k.ts";

/** All subsets of `k` of the items: the definition that the formulas must agree with. */
function subsets<T>(items: readonly T[], k: number): T[][] {
  if (k === 0) return [[]];
  return items.flatMap((item, index) => subsets(items.slice(index + 1), k - 1).map((rest) => [item, ...rest]));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("passAtK and passAllAtK", () => {
  it("agree with every subset of up to 9 samples", () => {
    for (let n = 1; n <= 9; n++) {
      for (let right = 0; right <= n; right++) {
        const samples = Array.from({ length: n }, (_, i) => i < right);
        for (let k = 1; k <= n; k++) {
          const drawn = subsets(samples, k);
          expect(passAtK({ n, right }, k)).toBeCloseTo(mean(drawn.map((set) => (set.some(Boolean) ? 1 : 0))), 12);
          expect(passAllAtK({ n, right }, k)).toBeCloseTo(mean(drawn.map((set) => (set.every(Boolean) ? 1 : 0))), 12);
        }
      }
    }
  });

  it("is null, not 1 and not 0, where there are fewer than k samples", () => {
    expect(passAtK({ n: 3, right: 3 }, 4)).toBeNull();
    expect(passAllAtK({ n: 3, right: 3 }, 4)).toBeNull();
    expect(passAtK({ n: 3, right: 1 }, 0)).toBeNull();
  });

  it("rises with k, all-right falls, both start at the share and bracket it", () => {
    const counts = fc
      .integer({ min: 1, max: 2_000 })
      .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n })));
    fc.assert(
      fc.property(counts, ([n, right]) => {
        let [any, all] = [0, 1];
        for (let k = 1; k <= Math.min(n, 64); k++) {
          const [nextAny, nextAll] = [passAtK({ n, right }, k)!, passAllAtK({ n, right }, k)!];
          if (k === 1) {
            expect(nextAny).toBeCloseTo(right / n, 12);
            expect(nextAll).toBeCloseTo(right / n, 12);
          }
          expect(nextAny).toBeGreaterThanOrEqual(any);
          expect(nextAny).toBeLessThanOrEqual(1);
          expect(nextAll).toBeLessThanOrEqual(all);
          expect(nextAll).toBeGreaterThanOrEqual(0);
          [any, all] = [nextAny, nextAll];
        }
      }),
      { numRuns: 50 },
    );
  });

  it("gives the figure that everyone knows: 64 samples, 1 right, k = 8", () => {
    expect(passAtK({ n: 64, right: 1 }, 8)).toBeCloseTo(8 / 64, 12);
  });
});

/** The definition: every subset, ties shared. */
function bruteMajority(ballot: Ballot, k: number): number {
  const samples = ballot.classes.flatMap(({ votes }, index) => new Array<number>(votes).fill(index));
  samples.push(...new Array<number>(ballot.silent).fill(-1));
  return mean(
    subsets(samples, k).map((set) => {
      const votes = ballot.classes.map((_, index) => set.filter((drawn) => drawn === index).length);
      const most = Math.max(0, ...votes);
      if (most === 0) return 0;
      return mean(ballot.classes.filter((_, index) => votes[index] === most).map(({ rightShare }) => rightShare));
    }),
  );
}

const ballots = fc.record({
  classes: fc.array(fc.record({ votes: fc.integer({ min: 1, max: 4 }), rightShare: fc.constantFrom(0, 0, 1, 0.5) }), {
    maxLength: 4,
  }),
  silent: fc.integer({ min: 0, max: 3 }),
});
const sizeOf = ({ classes, silent }: Ballot): number => classes.reduce((sum, { votes }) => sum + votes, silent);

describe("majorityAtK", () => {
  it("agrees with every subset", () => {
    fc.assert(
      fc.property(ballots, fc.integer({ min: 1, max: 11 }), (ballot, k) => {
        fc.pre(sizeOf(ballot) <= 11);
        const actual = majorityAtK(ballot, k, "test");
        if (sizeOf(ballot) < k) expect(actual).toBeNull();
        else expect(actual).toBeCloseTo(bruteMajority(ballot, k), 10);
      }),
      { numRuns: 150 },
    );
  });

  it("settles a tie by neither order nor spelling: one right of two answers is half", () => {
    const tie = [
      { votes: 3, rightShare: 1 },
      { votes: 3, rightShare: 0 },
    ];
    for (const classes of [tie, [...tie].reverse()]) {
      expect(majorityAtK({ classes, silent: 0 }, 6, "test")).toBeCloseTo(0.5, 12);
      expect(majorityAtK({ classes, silent: 0 }, 2, "test")).toBeCloseTo(0.5, 12);
    }
  });

  it("does not count silence as a vote, and is wrong where nobody answers", () => {
    expect(majorityAtK({ classes: [{ votes: 1, rightShare: 1 }], silent: 63 }, 64, "test")).toBe(1);
    expect(majorityAtK({ classes: [], silent: 4 }, 4, "test")).toBe(0);
  });

  it("draws subsets beyond 128 samples, within what 2,000 draws allow, and the same for the same key", () => {
    // 60 right and 41 + 41 wrong of 142: the exact value for the same shares at a size that is done exactly.
    const ballot = { classes: [60, 41, 41].map((votes, i) => ({ votes, rightShare: i === 0 ? 1 : 0 })), silent: 0 };
    const half = { classes: [30, 20, 21].map((votes, i) => ({ votes, rightShare: i === 0 ? 1 : 0 })), silent: 0 };
    const drawn = majorityAtK(ballot, 5, "a")!;
    // 4 standard errors of a share of 2,000.
    expect(Math.abs(drawn - majorityAtK(half, 5, "a")!)).toBeLessThan(4 * Math.sqrt(0.25 / 2_000));
    expect(majorityAtK(ballot, 5, "a")).toBe(drawn);
    expect(majorityAtK(ballot, 5, "b")).not.toBe(drawn);
  });

  it("takes 64 different answers, k = 64, in no time", () => {
    const classes = Array.from({ length: 64 }, (_, i) => ({ votes: 1, rightShare: i === 0 ? 1 : 0 }));
    expect(majorityAtK({ classes, silent: 0 }, 64, "test")).toBeCloseTo(1 / 64, 10);
  });
});

describe("bestAtK", () => {
  const anySample = fc.record({
    rank: fc.integer({ min: -2, max: 2 }),
    hasAnswer: fc.boolean(),
    isRight: fc.boolean(),
  });
  /** The rule by itself: the lowest with an answer, else any; equals share. */
  const chosenShare = (set: readonly RankedSample[]): number => {
    const answering = set.filter(({ hasAnswer }) => hasAnswer);
    const least = Math.min(...answering.map(({ rank }) => rank));
    const chosen = answering.length === 0 ? set : answering.filter(({ rank }) => rank === least);
    return mean(chosen.map(({ isRight }) => (isRight ? 1 : 0)));
  };

  it("agrees with every subset of up to 7 samples", () => {
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 1, maxLength: 7 }), (samples) => {
        for (let k = 1; k <= samples.length; k++)
          expect(bestAtK(samples, k)).toBeCloseTo(mean(subsets(samples, k).map(chosenShare)), 10);
      }),
    );
  });

  it("is null where there are fewer than k samples", () => {
    const sample = { rank: 1, hasAnswer: true, isRight: true };
    expect(bestAtK([sample], 2)).toBeNull();
    expect(bestAtK([sample], 0)).toBeNull();
  });
});
