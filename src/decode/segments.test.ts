/** @file Segments against the plain decoder: the same models, the same settings, the same generations. */
import { delimiters as s1 } from "../../test/decode-model.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shortHash } from "../core/hash.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { decodeSegments, type SegmentedRequest } from "./decode-segments.ts";
import { decodeRows } from "./generate.ts";
import type { Generation, RowRequest } from "./row.ts";
import { openSegmentedRow, type SegmentPlace, type SegmentReply, type SegmentRequest } from "./segments.ts";
import type { BudgetSetting } from "./thinking-budget.ts";
import type { TokenSource } from "./token-source.ts";

/** `</think>`: what ends thinking is one id, the very one that opens the answer. */
const think: ThinkingDelimiters = {
  ...s1,
  thinkStart: [5],
  answerStart: [1],
  directStart: [5, 10, 1, 10],
  cutAnswer: [1, 7],
};
const VOCABULARY = 24;
const PADDED = 28;
const CONTEXT = 60;

/** A model that is nothing but a hash of all it has read; ids from `VOCABULARY` on are padding that it likes, too. */
function hashedToken(sequence: readonly number[], forbidden: readonly number[], vocabulary = VOCABULARY): number {
  for (let attempt = 0; ; attempt++) {
    const draw = Number.parseInt(shortHash(`${sequence.join()};${attempt}`).slice(0, 8), 16);
    const token = draw % 5 === 0 ? 1 + (draw % 3) : 4 + (draw % (PADDED - 4));
    if (token < vocabulary && !forbidden.includes(token)) return token;
  }
}

function plainSource(): TokenSource {
  const held: number[] = [];
  return {
    slots: 1,
    contextTokens: CONTEXT,
    truncate: (_, length) => void (held.length = length),
    extend: async (rows) =>
      Int32Array.from(rows, ({ ids, forbidden }) => {
        held.push(...ids);
        return hashedToken(held, forbidden);
      }),
  };
}

/** How a server may differ from what it was asked. */
interface Manners {
  readonly canHoldBackStops: boolean;
  readonly maxSegmentTokens: number;
  readonly tellsStops: boolean;
  /** Writes past stops and past the limit. */
  readonly overshoots: boolean;
  /** Ends early, saying `length`. */
  readonly tires: boolean;
}

const anyManners: fc.Arbitrary<Manners> = fc.record({
  canHoldBackStops: fc.boolean(),
  maxSegmentTokens: fc.constantFrom(1, 2, 5, 1000),
  tellsStops: fc.boolean(),
  overshoots: fc.boolean(),
  tires: fc.boolean(),
});

function serve(request: SegmentRequest, manners: Manners): SegmentReply {
  const ids: number[] = [];
  const limit = manners.tires ? Math.ceil(request.maxTokens / 2) : request.maxTokens;
  while (ids.length < limit) {
    const held = request.mayNotStopFirst && ids.length === 0 ? request.stopIds : [];
    ids.push(hashedToken([...request.ids, ...ids], [...request.forbidden, ...held], PADDED));
    if (request.stopIds.includes(ids.at(-1) as number)) {
      if (manners.overshoots && manners.tellsStops) return { ids: [...ids, 9, 9, 2], end: "length" };
      return { ids: manners.tellsStops ? ids : ids.slice(0, -1), end: "stop" };
    }
  }
  return { ids: manners.overshoots && !manners.tires ? [...ids, 9, 1, 9] : ids, end: "length" };
}

function sourceOf(manners: Manners) {
  const requests: SegmentRequest[] = [];
  const { canHoldBackStops, maxSegmentTokens } = manners;
  const source = {
    contextTokens: CONTEXT,
    choosableIds: VOCABULARY,
    canHoldBackStops,
    maxSegmentTokens,
    write: async (request: SegmentRequest) => {
      requests.push({ ...request, ids: [...request.ids] });
      return serve(request, manners);
    },
  };
  return { source, requests };
}

const anySetting: fc.Arbitrary<BudgetSetting> = fc.record(
  {
    mode: fc.constantFrom("think" as const, "think" as const, "direct" as const),
    budgetTokens: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(10_000)),
    waits: fc.integer({ min: 0, max: 3 }),
    minThinkingTokens: fc.constantFrom(0, 0, 0, 6),
    silent: fc.constantFrom(true as const),
  },
  { requiredKeys: ["mode", "budgetTokens", "waits"] },
);
const anyRow: fc.Arbitrary<RowRequest> = fc.record({
  promptIds: fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 12 }),
  answerTokens: fc.integer({ min: 1, max: 5 }),
  sampling: fc.constant({ temperature: 0, key: "" }),
  settings: fc.array(anySetting, { minLength: 1, maxLength: 5 }),
});

/** An overshooting server that names no stop swallows where its own text went on: nobody can know. */
const isHonest = ({ overshoots, tellsStops }: Manners): boolean => !overshoots || tellsStops;

describe("decodeSegments", () => {
  it("gives what the plain decoder gives, whatever the server's manners and segments", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 4 }),
        anyManners.filter(isHonest),
        fc.constantFrom(s1, think, { ...s1, wait: [] }, { ...s1, wait: [20, 21] }),
        fc.integer({ min: 1, max: 3 }),
        async (rows, manners, delimiters, concurrency) => {
          const { source } = sourceOf(manners);
          const plain = await decodeRows(plainSource(), rows, { delimiters });
          const segmented = await decodeSegments(source, rows, { delimiters, concurrency });
          // Which of the two ends an answer had is not known of a server that does not tell.
          const known = ({ ids, ...rest }: Generation): Generation =>
            manners.tellsStops ? { ...rest, ids } : { ...rest, ids: ids.map((id) => (id === 3 ? 2 : id)) };
          expect(segmented.map((row) => row.map(known))).toEqual(plain.map((row) => row.map(known)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("asks once for each stretch, and for nothing that another setting has decoded", async () => {
    const manners = {
      canHoldBackStops: true,
      maxSegmentTokens: 1000,
      tellsStops: true,
      overshoots: false,
      tires: false,
    };
    const settings = [1000, 12, 8, 4].map((budgetTokens) => ({ mode: "think" as const, budgetTokens, waits: 0 }));
    await fc.assert(
      fc.asyncProperty(anyRow, async (row) => {
        const { source, requests } = sourceOf(manners);
        const [generations] = await decodeSegments(source, [{ ...row, settings }], { delimiters: s1, concurrency: 1 });
        const padding = requests.filter(({ forbidden }) => forbidden.some((id) => id >= VOCABULARY)).length;
        // Thinking once, and one answer a setting, where each is another; each run into padding costs two more.
        const distinct = new Set(generations?.map(({ ids }) => ids.join())).size;
        expect(requests.length).toBeLessThanOrEqual(1 + distinct + 2 * padding);
      }),
    );
  });

  it("goes on after a stop from known choices, asking only for what is missing", async () => {
    const manners = { canHoldBackStops: true, maxSegmentTokens: 3, tellsStops: true, overshoots: false, tires: false };
    await fc.assert(
      fc.asyncProperty(anyRow, fc.integer({ min: 0, max: 5 }), async (row, kept) => {
        const first = sourceOf(manners);
        const known = new Map<number, readonly number[]>();
        const onSetting = ({ place, choices }: { place: number; choices: readonly number[] }): void => {
          if (place < kept) known.set(place, choices);
        };
        const whole = await decodeSegments(first.source, [row], { delimiters: s1, concurrency: 1, onSetting });
        const again = sourceOf(manners);
        const request: SegmentedRequest = { ...row, known };
        const told: number[] = [];
        const resumed = await decodeSegments(again.source, [request], {
          delimiters: s1,
          concurrency: 1,
          onSetting: ({ place }) => void told.push(place),
        });
        expect(resumed).toEqual(whole);
        expect(told).toEqual(row.settings.map((_, place) => place).filter((place) => place >= kept));
        if (kept >= row.settings.length) expect(again.requests).toEqual([]);
        expect(again.requests.length).toBeLessThanOrEqual(first.requests.length);
      }),
    );
  });

  it("stops at the signal and begins nothing after a failure", async () => {
    const { source } = sourceOf({
      canHoldBackStops: true,
      maxSegmentTokens: 9,
      tellsStops: true,
      overshoots: false,
      tires: false,
    });
    const row: RowRequest = {
      promptIds: [4],
      answerTokens: 2,
      sampling: { temperature: 0, key: "" },
      settings: [{ mode: "direct", budgetTokens: 0, waits: 0 }],
    };
    const stopped = decodeSegments(source, [row], { delimiters: s1, concurrency: 1, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
    let calls = 0;
    const broken = {
      ...source,
      write: async () => {
        calls++;
        throw new Error("gone");
      },
    };
    const rows = Array.from({ length: 9 }, () => row);
    await expect(decodeSegments(broken, rows, { delimiters: s1, concurrency: 2 })).rejects.toThrow("gone");
    expect(calls).toBe(2);
  });
});

describe("openSegmentedRow", () => {
  const place: SegmentPlace = {
    contextTokens: 1000,
    choosableIds: VOCABULARY,
    canHoldBackStops: true,
    maxSegmentTokens: 1000,
    delimiters: s1,
  };
  const row = (setting: Partial<BudgetSetting>, answerTokens = 5): RowRequest => ({
    promptIds: [4, 4],
    answerTokens,
    sampling: { temperature: 0, key: "q" },
    settings: [{ mode: "think", budgetTokens: 10, waits: 0, ...setting }],
  });

  it("asks for the room that is left, without what was forced", () => {
    const opened = openSegmentedRow(row({ waits: 1 }), place);
    expect(opened.next()).toMatchObject({
      ids: [4, 4, 1, 5],
      maxTokens: 10,
      stopIds: [1, 2, 3],
      mayNotStopFirst: false,
    });
    opened.accept({ ids: [11, 12, 1], end: "stop" });
    // Two thoughts and "Wait" are kept; the end may not come again at once.
    expect(opened.next()).toMatchObject({
      ids: [4, 4, 1, 5, 11, 12, 20],
      maxTokens: 7,
      mayNotStopFirst: true,
      forbidden: [],
    });
    opened.accept({ ids: [13, 14, 15, 16, 17, 18, 19], end: "length" });
    expect(opened.next()).toMatchObject({ maxTokens: 5, forbidden: [1], mayNotStopFirst: false });
    opened.accept({ ids: [9, 2], end: "stop" });
    expect(opened.next()).toBeUndefined();
    expect(opened.generations[0]).toMatchObject({ end: "cut", answerIds: [9], answerFinish: "stop" });
    expect(opened.choices[0]).toEqual([11, 12, 1, 13, 14, 15, 16, 17, 18, 19, 9, 2]);
  });

  it("asks for one token where a server cannot hold stops back, or where more than stops are forbidden", () => {
    const unable = openSegmentedRow(row({ waits: 1 }), { ...place, canHoldBackStops: false });
    unable.next();
    unable.accept({ ids: [11, 1], end: "stop" });
    expect(unable.next()).toMatchObject({ maxTokens: 1, forbidden: [1, 2, 3], mayNotStopFirst: false });
    const silent = openSegmentedRow(row({ waits: 1, silent: true }), place);
    silent.next();
    silent.accept({ ids: [11, 1], end: "stop" });
    expect(silent.next()).toMatchObject({ ids: [4, 4, 1, 5, 11], maxTokens: 1, forbidden: [1, 2, 3, 20] });
  });

  it("asks again without ids that do not exist, and gives up in the end", () => {
    const opened = openSegmentedRow(row({}), place);
    opened.next();
    opened.accept({ ids: [11, VOCABULARY, 12], end: "length" });
    expect(opened.next()).toMatchObject({ ids: [4, 4, 1, 5, 11], maxTokens: 1, forbidden: [VOCABULARY] });
    opened.accept({ ids: [12], end: "length" });
    expect(opened.next()).toMatchObject({ maxTokens: 8, forbidden: [] });
    const stubborn = (): void => {
      for (let i = 0; i < 20; i++) opened.accept({ ids: [VOCABULARY + i], end: "length" });
    };
    expect(stubborn).toThrow(expect.objectContaining({ code: "provider-permanent" }));
  });

  it("refuses a server that writes nothing", () => {
    const opened = openSegmentedRow(row({}), place);
    opened.next();
    expect(() => opened.accept({ ids: [], end: "length" })).toThrow(expect.objectContaining({ code: "provider" }));
  });
});
