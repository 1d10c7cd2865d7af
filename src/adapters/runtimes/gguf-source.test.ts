import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fakeSequence, logitsOf } from "../../../test/fake-llama.ts";
import type { AppError } from "../../core/errors.ts";
import { chooseToken } from "../../decode/sampling.ts";
import { scoreToken } from "../../decode/token-score.ts";
import type { ExtendRow } from "../../decode/token-source.ts";
import { DRAWN_AMONG, ggufTokenSource } from "./gguf-source.ts";

const ROWS = 40;
const CHOOSABLE = 36;
const CONTEXT = 64;
const open = (slots: number, options: { forgets?: boolean } = {}) => {
  const sequences = Array.from({ length: slots }, () => fakeSequence({ rows: ROWS, ...options }));
  return { sequences, source: ggufTokenSource(sequences, { contextTokens: CONTEXT, choosableIds: CHOOSABLE }) };
};
const codeOf = (work: Promise<unknown>) => work.then(String, (error: AppError) => error.code);

/** By the contract's own words, from all logits of the whole sequence. */
const expected = (ids: readonly number[], { forbidden, sampling }: Pick<ExtendRow, "forbidden" | "sampling">) =>
  chooseToken(Float32Array.from(logitsOf(ids, ROWS)).subarray(0, CHOOSABLE), {
    ...sampling,
    forbidden,
    position: ids.length,
  });

const anyChoice = fc.record({
  forbidden: fc.uniqueArray(fc.integer({ min: 0, max: ROWS - 1 }), { maxLength: 4 }),
  sampling: fc.record({ temperature: fc.constantFrom(0, 0, 0.7), key: fc.string({ maxLength: 2 }) }),
});
/** What is done to one slot in one round: kept ids in per cent, ids appended. */
const anyMove = fc.record({
  keep: fc.constantFrom(1, 1, 1, 0.5, 0),
  ids: fc.array(fc.integer({ min: 0, max: CHOOSABLE - 1 }), { minLength: 1, maxLength: 3 }),
  choice: anyChoice,
});
const anyRounds = fc.array(fc.dictionary(fc.constantFrom("0", "1", "2"), anyMove, { minKeys: 1 }), {
  minLength: 1,
  maxLength: 10,
});

describe("a GGUF as a source of tokens", () => {
  it.each([false, true])(
    "chooses by a slot's ids, forbidden ids and sampling alone, whoever else is there (a cache that forgets: %s)",
    async (forgets) => {
      await fc.assert(
        fc.asyncProperty(anyRounds, async (rounds) => {
          const { source } = open(3, { forgets });
          const held: number[][] = [[], [], []];
          for (const round of rounds) {
            const rows = Object.entries(round).map(([name, { keep, ids, choice }]): ExtendRow => {
              const slot = Number(name);
              const own = held[slot]!;
              if (keep < 1) source.truncate(slot, Math.floor(own.length * keep));
              if (keep < 1) own.length = Math.floor(own.length * keep);
              own.push(...ids);
              return { slot, ids, ...choice };
            });
            const chosen = await source.extend(rows);
            expect([...chosen]).toEqual(rows.map((row) => expected(held[row.slot]!, row)));
          }
        }),
        { numRuns: 150 },
      );
    },
  );

  it.each([ROWS, DRAWN_AMONG + 60])(
    "with scores it chooses the same, and tells the shares among all allowed ids (%s rows)",
    async (rows) => {
      const choosableIds = rows - 4;
      const size = { contextTokens: CONTEXT, choosableIds };
      const [plain, scored] = [0, 1].map(() => ggufTokenSource([fakeSequence({ rows })], size));
      const anyAsked = fc.record({
        ids: fc.array(fc.nat(choosableIds - 1), { minLength: 1, maxLength: 5 }),
        choice: anyChoice,
        scoreTop: fc.nat(20),
      });
      await fc.assert(
        fc.asyncProperty(anyAsked, async ({ ids, choice, scoreTop }) => {
          for (const source of [plain, scored]) source!.truncate(0, 0);
          const row = { slot: 0, ids, ...choice };
          const { tokens, scores } = await scored!.extendScored!([{ ...row, scoreTop }]);
          expect(tokens).toEqual(await plain!.extend([row]));
          const logits = Float32Array.from(logitsOf(ids, rows)).subarray(0, choosableIds);
          const { forbidden } = choice;
          expect(scores).toEqual([scoreToken(logits, { token: tokens[0]!, forbidden, top: scoreTop })]);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("evaluates only what it does not hold, and rows of one call in one batch", async () => {
    const { source, sequences } = open(2);
    const row = (slot: number, ids: number[]) => ({ slot, ids, forbidden: [], sampling: { temperature: 0, key: "" } });
    await source.extend([row(0, [1, 2, 3, 4]), row(1, [5])]);
    source.truncate(0, 3);
    await source.extend([row(0, [6, 7])]);
    await source.extend([row(0, [8]), row(1, [9])]);
    expect(sequences.map(({ evaluated }) => evaluated)).toEqual([
      [[1, 2, 3, 4], [6, 7], [8]],
      [[5], [9]],
    ]);
  });

  it("asks once more where all it was told of is forbidden or no id of the tokenizer's", async () => {
    const { source, sequences } = open(1);
    const logits = logitsOf([3], ROWS);
    const best = logits.indexOf(Math.max(...logits.slice(0, CHOOSABLE)));
    const row = { slot: 0, ids: [3], forbidden: [best], sampling: { temperature: 0, key: "" } };
    const [chosen] = await source.extend([row]);
    expect(chosen).toBe(expected([3], row));
    expect(chosen).not.toBe(best);
    expect(sequences[0]!.evaluated).toEqual([[3], [3]]);
  });

  it("draws among the likeliest of a large vocabulary, the same ones every time", async () => {
    const rows = DRAWN_AMONG + 500;
    const sequence = fakeSequence({ rows });
    const source = ggufTokenSource([sequence], { contextTokens: CONTEXT, choosableIds: rows });
    const draw = async (key: string): Promise<number> => {
      source.truncate(0, 0);
      return (await source.extend([{ slot: 0, ids: [7], forbidden: [], sampling: { temperature: 1, key } }]))[0]!;
    };
    const likeliest = [...logitsOf([7], rows).entries()].sort(([a, x], [b, y]) => y - x || a - b).slice(0, DRAWN_AMONG);
    const compact = new Float32Array(rows).fill(Number.NEGATIVE_INFINITY);
    for (const [id, logit] of likeliest) compact[id] = logit;
    await source.extend([{ slot: 0, ids: [7], forbidden: [], sampling: { temperature: 1, key: "" } }]);
    for (const key of ["a", "b", "c", "d", "e"])
      expect(await draw(key)).toBe(chooseToken(compact, { temperature: 1, key, forbidden: [], position: 1 }));
  });

  it("refuses what outgrows the context before anything is evaluated, so that nothing is ever shifted", async () => {
    const { source, sequences } = open(1);
    const ids = Array.from({ length: CONTEXT }, () => 1);
    const row = (more: number[]) => [{ slot: 0, ids: more, forbidden: [], sampling: { temperature: 0, key: "" } }];
    await source.extend(row(ids));
    expect(await codeOf(source.extend(row([1])))).toBe("limit-exceeded");
    expect(sequences[0]!.evaluated).toHaveLength(1);
  });

  it("tells of llama.cpp's failures as engine errors, all rows settled, and goes on afterwards", async () => {
    const { source, sequences } = open(2);
    const row = (slot: number, ids: number[]) => ({ slot, ids, forbidden: [], sampling: { temperature: 0, key: "" } });
    await source.extend([row(0, [7])]);
    sequences[0]!.fails = "Eval has failed";
    expect(await codeOf(source.extend([row(0, [1, 2]), row(1, [3])]))).toBe("engine");
    expect(sequences[1]!.evaluated).toHaveLength(1);
    sequences[0]!.fails = undefined;
    source.truncate(0, 2);
    expect([...(await source.extend([row(0, [4])]))]).toEqual([expected([7, 1, 4], row(0, []))]);
    sequences[0]!.isDamaged = true;
    expect(await codeOf(source.extend([row(0, [5])]))).toBe("engine");
  });
});
