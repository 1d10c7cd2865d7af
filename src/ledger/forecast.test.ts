import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { forecastRun, questionsWithin } from "./forecast.ts";
import { countRun } from "./forecast-count.ts";
import { drawCount, drawQuantity, drawShare, drawSum, type Quantity } from "./forecast-draws.ts";
import { type AskedModel, type Bought, type ForecastFacts, NOTHING_BOUGHT } from "./forecast-facts.ts";
import { drawWorlds } from "./forecast-world.ts";
import { findPrice } from "./price-book.ts";

const usd = (input: number, output: number) =>
  findPrice("p", "m", { inputUsdPerMillion: input, outputUsdPerMillion: output });
const exactly = (value: number): Quantity => ({ type: "assumed", median: value, p90: value, most: value });

/** A model whose every reply is the same, so that what it costs can be worked out by hand. */
const certain = (rest: Partial<AskedModel> = {}): AskedModel => ({
  name: "m",
  prices: [usd(1, 10)],
  prompt: exactly(100),
  completion: exactly(1_000),
  seconds: exactly(10),
  solves: { type: "assumed", mean: 0, weight: 1 },
  samples: 1,
  stopsWhenRight: false,
  concurrency: 4,
  isBatch: false,
  bought: NOTHING_BOUGHT,
  ...rest,
});
const training = { name: "t", microUsdPerMillion: 0, epochs: 5, maxLength: 800, bought: NOTHING_BOUGHT };
const facts = (rest: Partial<ForecastFacts> = {}): ForecastFacts => ({
  questions: 100,
  students: [],
  teachers: [certain()],
  tracesAll: false,
  unruledShare: 0,
  judgedShare: 0,
  doubtedShare: 0,
  examples: 10,
  training,
  evaluation: [],
  ...rest,
});
/** Rows of models that are asked: all but the fine-tune's. */
const askedIn = (known: ForecastFacts) => forecastRun(known).rows.filter(({ stage }) => stage !== "train");
const always = { type: "assumed", mean: 1, weight: 1 } as const;

describe("a run of which everything is known", () => {
  it("costs calls times tokens times price", () => {
    const { rows, microUsd, seconds } = forecastRun(facts());
    // 100 calls of 100 tokens in at $1 and 1,000 out at $10 a million, and a micro-dollar each for rounding up
    expect(rows[0]).toMatchObject({
      calls: { p50: 100, p90: 100 },
      promptTokens: { p50: 10_000, p90: 10_000 },
      completionTokens: { p50: 100_000, p90: 100_000 },
    });
    expect(microUsd).toMatchObject({ p50: 1_010_100, p90: 1_010_100 });
    expect(seconds).toEqual({ p50: 250, p90: 250 }); // 100 calls of 10 s, four at once
  });

  it.each<[string, Partial<AskedModel>, number]>([
    ["requests a minute", { requestsPerMinute: 10 }, 600],
    ["tokens a minute", { tokensPerMinute: 1_100 }, 6_000],
    ["one reply, however many at once", { concurrency: 4096 }, 10],
  ])("takes as long as %s allow", (_limit, limits, seconds) => {
    expect(forecastRun(facts({ teachers: [certain(limits)] })).seconds.p50).toBe(seconds);
  });

  it("asks a teacher only what no student solved, unless all is traced", () => {
    const students = [certain({ solves: always, samples: 3 })];
    const calls = (tracesAll: boolean): number[] => askedIn(facts({ students, tracesAll })).map((row) => row.calls.p50);
    expect(calls(false)).toEqual([300, 0]);
    expect(calls(true)).toEqual([300, 100]);
  });

  it("passes on what a teacher fails at, and stops a question's samples with a right one", () => {
    const half = { type: "assumed", mean: 0.5, weight: 1e9 } as const;
    const teachers = [certain({ solves: half, samples: 4, stopsWhenRight: true }), certain({ solves: always })];
    const { rows, verified } = forecastRun(facts({ questions: 10_000, teachers }));
    expect(Math.abs(rows[0]!.calls.p50 - 25_000)).toBeLessThan(50); // half stop at one, half take all four
    expect(Math.abs(rows[1]!.calls.p50 - 5_000)).toBeLessThan(20);
    expect(verified.p50).toBe(10_000);
  });

  it("judges every trace of what no rule can grade, and those that a doubted rule finds wrong", () => {
    const half = { type: "assumed", mean: 0.5, weight: 1e9 } as const;
    const teachers = [certain({ solves: half })];
    const base = { questions: 1_000, students: [certain()], teachers, judge: certain() };
    const of = (rest: Partial<ForecastFacts>): number[] =>
      askedIn(facts({ ...base, ...rest })).map((row) => row.calls.p50);
    expect(of({})).toEqual([1_000, 1_000, 0]);
    expect(of({ unruledShare: 0.25 })).toEqual([750, 1_000, 250]); // students are asked what a rule can grade
    expect(of({ unruledShare: 0.25, judgedShare: 0.2 })).toEqual([950, 1_000, 450]); // and what the judge can, of whom each is asked
    const [, , judged = 0] = of({ unruledShare: 0.25, doubtedShare: 1 });
    expect(Math.abs(judged - (750 + 250 + 375))).toBeLessThan(20); // all 750 attempts, and half of their traces, are found wrong
  });

  it("asks every student everything for a band of pass rates, and counts all that a rule can grade as within it", () => {
    const students = [certain({ solves: always, samples: 4 }), certain({ samples: 2 })];
    const calls = askedIn(facts({ students, unruledShare: 0.2, asksAll: true })).map((row) => row.calls.p50);
    expect(calls).toEqual([320, 160, 80]);
  });

  it("counts the subjects that the judge tells: of all that is traced, or of what came out right", () => {
    const half = { type: "assumed", mean: 0.5, weight: 1e9 } as const;
    const base = { questions: 1_000, teachers: [certain({ solves: half })], judge: certain() };
    const of = (judgeSorts: "right" | "traced"): number => askedIn(facts({ ...base, judgeSorts }))[1]?.calls.p50 ?? 0;
    expect(of("traced")).toBe(1_000);
    expect(Math.abs(of("right") - 500)).toBeLessThan(20);
  });

  it("counts tries by a launcher by the job: its start, each question, and nothing below what was paid", () => {
    const take = (microUsd: number) => ({ completionTokens: 10, microUsd, seconds: 2 });
    const of = (paid: number, isDone: boolean, questions = 100) => {
      const job = { start: take(5_000), each: take(70), bought: { ...NOTHING_BOUGHT, microUsd: paid }, isDone };
      const known = facts({ questions, ownTries: { name: "o", perQuestion: 2, solves: always, job } });
      return { row: forecastRun(known).rows[0]!, remaining: forecastRun(known).remainingMicroUsd.p50 };
    };
    expect(of(0, false).row).toMatchObject({
      stage: "attempt",
      calls: { p50: 200 },
      completionTokens: { p50: 1_010 },
      microUsd: { p50: 12_000 },
      seconds: { p50: 202 },
    });
    expect(of(4_000, false).row.microUsd.p50).toBe(12_000); // gone on with: what was paid is part of it
    expect(of(4_000, false).remaining).toBe(of(0, false).remaining - 4_000);
    expect(of(20_000, false).row.microUsd.p50).toBe(20_000);
    expect(of(4_000, true).row).toMatchObject({ microUsd: { p50: 4_000 }, seconds: { p50: 0 } });
    expect(of(0, false, 0).row).toMatchObject({ microUsd: { p50: 0 }, seconds: null });
  });

  it("goes on with a launched training: what its tries came to is part of what it takes, until it is over", () => {
    const rented = {
      ...training,
      microUsdPerMillion: 500_000,
      bought: { ...NOTHING_BOUGHT, calls: 1, microUsd: 7_000 },
    };
    const of = (isDone: boolean) =>
      forecastRun(facts({ teachers: [certain({ solves: always })], training: { ...rented, isDone } })).rows[1]!.microUsd
        .p50;
    expect(of(false)).toBe(20_000);
    expect(of(true)).toBe(7_000);
  });

  it("trains on the right traces there are, at most on those wanted", () => {
    const paid = { ...training, microUsdPerMillion: 500_000 };
    const of = (questions: number) =>
      forecastRun(facts({ questions, teachers: [certain({ solves: always })], training: paid })).rows[1]!;
    expect(of(100).completionTokens.p50).toBe(10 * 800 * 5);
    expect(of(100).microUsd.p50).toBe(20_000);
    expect(of(4).completionTokens.p50).toBe(4 * 800 * 5);
    expect(of(100).seconds).toBeNull();
  });

  it("buys nothing twice: what was bought is in the total at what it cost", () => {
    const bought = { calls: 60, promptTokens: 6_000, completionTokens: 30_000, microUsd: 123 };
    const { rows, microUsd, remainingMicroUsd } = forecastRun(facts({ teachers: [certain({ bought })] }));
    expect(rows[0]).toMatchObject({ calls: { p50: 100 }, completionTokens: { p50: 70_000 } });
    expect(microUsd.p50).toBe(123 + 404_040);
    expect(remainingMicroUsd.p50).toBe(404_040);
  });

  it("counts a fine-tune that gave no model beside the one that is still to be bought", () => {
    const cost = (bought: Bought): number | undefined => {
      const paid = { ...training, microUsdPerMillion: 1_000_000, bought };
      const known = facts({ teachers: [certain({ solves: always })], training: paid });
      return forecastRun(known).rows.find(({ stage }) => stage === "train")?.microUsd.p50;
    };
    const whole = cost(NOTHING_BOUGHT) ?? 0;
    expect(whole).toBeGreaterThan(0);
    expect(cost({ ...NOTHING_BOUGHT, microUsd: 7 })).toBe(whole + 7);
    expect(cost({ ...NOTHING_BOUGHT, calls: 1, microUsd: 9 })).toBe(9);
  });

  it("fits as many questions under a cap as it says", () => {
    const worlds = drawWorlds(facts());
    expect(questionsWithin(facts(), 505_050, worlds).questions).toBe(50);
    expect(questionsWithin(facts(), 505_049, worlds).questions).toBe(49);
    expect(questionsWithin(facts(), 1e9, worlds).questions).toBe(100);
    expect(questionsWithin(facts(), 0, worlds).questions).toBe(0);
  });
});

describe("laws", () => {
  const quantity: fc.Arbitrary<Quantity> = fc.oneof(
    fc.record({
      type: fc.constant("measured" as const),
      values: fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 5, maxLength: 20 }),
    }),
    fc
      .tuple(fc.integer({ min: 10, max: 5_000 }), fc.integer({ min: 0, max: 5_000 }))
      .map(([median, more]) => ({ type: "assumed" as const, median, p90: median + more, most: 32_768 })),
  );
  const share = fc.oneof(
    fc
      .tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 }))
      .map(([passed, failed]) => ({ type: "measured" as const, passed, asked: passed + failed })),
    fc.record({
      type: fc.constant("assumed" as const),
      mean: fc.double({ min: 0, max: 1, noNaN: true }),
      weight: fc.constant(4),
    }),
  );
  const model = fc.record({ prompt: quantity, completion: quantity, seconds: quantity, solves: share }).map(certain);
  const anyFacts = fc
    .record({
      questions: fc.integer({ min: 1, max: 5_000 }),
      students: fc.array(model, { maxLength: 2 }),
      teachers: fc.array(model, { minLength: 1, maxLength: 2 }),
      tracesAll: fc.boolean(),
      unruledShare: fc.double({ min: 0, max: 1, noNaN: true }),
      judgedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      doubtedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      judge: model,
    })
    .map(facts);
  const few = { numRuns: 40 };

  it("p90 is never below p50, in any column", () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const { rows, microUsd, seconds, verified } = forecastRun(some, drawWorlds(some, 60));
        const spreads = rows.flatMap((row) => [row.calls, row.promptTokens, row.completionTokens, row.microUsd]);
        for (const { p50, p90 } of [...spreads, microUsd, seconds, verified]) expect(p90).toBeGreaterThanOrEqual(p50);
      }),
      few,
    );
  });

  it("sums add up: rows to the run in every world, means to the mean", () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const worlds = drawWorlds(some, 40);
        for (const world of worlds) {
          const { rows, microUsd } = countRun(some, world, some.questions);
          expect(rows.reduce((sum, row) => sum + row.microUsd, 0)).toBe(microUsd);
        }
        const { rows, microUsd } = forecastRun(some, worlds);
        const means = rows.reduce((sum, row) => sum + row.microUsd.mean, 0);
        expect(Math.abs(means - microUsd.mean)).toBeLessThan(1e-6 * Math.max(1, microUsd.mean));
      }),
      few,
    );
  });

  it("never undercounts: a row's money covers its tokens at its price", () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        for (const world of drawWorlds(some, 20)) {
          for (const { stage, promptTokens, completionTokens, microUsd } of countRun(some, world, some.questions).rows)
            if (stage !== "train") expect(microUsd).toBeGreaterThanOrEqual(promptTokens + completionTokens * 10);
        }
      }),
      few,
    );
  });

  it("equal facts give an equal forecast", () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        expect(forecastRun(some, drawWorlds(some, 20))).toEqual(
          forecastRun(structuredClone(some), drawWorlds(some, 20)),
        );
      }),
      { numRuns: 10 },
    );
  });
});

describe("draws", () => {
  const draws = <T>(draw: (key: string) => T): T[] => Array.from({ length: 4_000 }, (_, i) => draw(`test/${i}`));
  const meanOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  /** Four standard errors of a mean of 4,000 draws of this deviation. */
  const within = (deviation: number): number => (4 * deviation) / Math.sqrt(4_000);

  it("a share follows its posterior", () => {
    const drawn = draws((key) => drawShare({ type: "measured", passed: 7, asked: 10 }, prng(key)));
    // Beta(7.5, 3.5): mean 7.5 / 11, deviation sqrt(7.5 * 3.5 / (11^2 * 12))
    expect(Math.abs(meanOf(drawn) - 7.5 / 11)).toBeLessThan(within(Math.sqrt((7.5 * 3.5) / (121 * 12))));
    const small = draws((key) => drawShare({ type: "measured", passed: 0, asked: 5 }, prng(key)));
    expect(Math.abs(meanOf(small) - 0.5 / 6)).toBeLessThan(within(Math.sqrt((0.5 * 5.5) / (36 * 7))));
    expect(Math.min(...small)).toBeGreaterThanOrEqual(0);
  });

  it("a measured mean is spread as its sample says, an assumed one as its two figures do", () => {
    const values = [100, 200, 300, 400, 500];
    const means = draws((key) => drawQuantity({ type: "measured", values }, prng(key)).mean);
    const deviation = Math.sqrt(meanOf(means.map((one) => (one - 300) ** 2)));
    // The sample's own standard error is 70.7; five values leave it uncertain, as a t of four degrees of freedom says (100).
    expect(deviation).toBeGreaterThan(70.7);
    expect(deviation).toBeLessThan(115);
    expect(Math.abs(meanOf(means) - 300)).toBeLessThan(within(deviation));
    const skewed = draws((key) => drawQuantity({ type: "measured", values: [1, 1, 1, 1, 96] }, prng(key)).mean);
    expect(meanOf(skewed)).toBeGreaterThan(20); // the long end is the less known
    const constant = { type: "measured", values: [7, 7, 7, 7, 7] } as const;
    expect(drawQuantity(constant, prng("c"))).toEqual({ mean: 7, deviation: 0 });
    const assumed = draws((key) => drawQuantity({ type: "assumed", median: 1_000, p90: 3_000 }, prng(key)).mean);
    const below = (limit: number): number => assumed.filter((one) => one < limit).length / assumed.length;
    expect(Math.abs(below(1_000) - 0.5)).toBeLessThan(within(0.5));
    expect(Math.abs(below(3_000) - 0.9)).toBeLessThan(within(0.3));
  });

  it("sums and counts stay within what is possible", () => {
    expect(drawSum({ mean: 1, deviation: 100 }, 4, -3)).toBe(0);
    expect(drawCount(10, 0.5, 9)).toBe(10);
    expect(drawCount(10, 0.5, -9)).toBe(0);
    expect(drawCount(10, 0.3, 0)).toBe(3);
    expect(drawQuantity({ type: "measured", values: [] }, prng("x"))).toEqual({ mean: 0, deviation: 0 });
  });
});
