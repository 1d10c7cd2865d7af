import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anyPrompt,
  anySetting,
  CONTEXT,
  decodeAlone,
  delimiters,
  hashedSource,
  slotCount,
  VOCABULARY,
} from "../../test/decode-model.ts";
import { AppError } from "../core/errors.ts";
import { ContinuousBatch } from "./continuous-batch.ts";

const SETTING = { mode: "think", budgetTokens: 6, waits: 0 } as const;
/** Twenty ids, different for each number. */
const stem = (number: number): number[] => Array.from({ length: 20 }, (_, i) => 4 + ((i * (number + 1) + number) % 20));
const asked = (promptIds: readonly number[], key = "") => ({
  promptIds,
  settings: [SETTING],
  answerTokens: 3,
  sampling: { temperature: 1, key },
});
const alone = (promptIds: readonly number[], key = "") => {
  const { settings: _, ...prompt } = asked(promptIds, key);
  return decodeAlone({ ...prompt, setting: SETTING }, CONTEXT);
};

/** Decodes one after another; how many ids of each prompt were reused. */
function openBatch(slots: number, canCopy = true) {
  const { source, counts } = hashedSource(slots, CONTEXT, canCopy);
  const batch = new ContinuousBatch(source, delimiters);
  const ask = async (promptIds: readonly number[], { caller = "", key = "" } = {}): Promise<number> => {
    let reused = -1;
    const { done } = batch.decode(asked(promptIds, key), { caller, onBegin: (tokens) => (reused = tokens) });
    expect(await done).toEqual([alone(promptIds, key)]);
    return reused;
  };
  return { batch, counts, ask };
}

describe("prompts that begin alike", () => {
  it("change no result, whoever comes when, on a source that copies and on one that does not", async () => {
    const tail = fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { maxLength: 6 });
    const anyIds = fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 20 }), tail)
      .map(([number, length, rest]) => [...stem(number).slice(0, length), ...rest]);
    const coming = fc.record({
      promptIds: anyIds,
      prompt: anyPrompt,
      setting: anySetting,
      after: fc.integer({ min: 0, max: 60 }),
      caller: fc.constantFrom("", "other"),
      isGivenUp: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(coming, { minLength: 1, maxLength: 14 }),
        slotCount,
        fc.boolean(),
        async (all, slots, canCopy) => {
          const { source, counts } = hashedSource(slots, CONTEXT, canCopy);
          const batch = new ContinuousBatch(source, delimiters);
          const reused: number[] = [];
          const ends = all.map(async ({ promptIds, prompt, setting, after, caller, isGivenUp }) => {
            for (let i = 0; i < after; i++) await Promise.resolve();
            const giving = new AbortController();
            const request = { ...prompt, promptIds, settings: [setting] };
            const options = { caller, signal: giving.signal, onBegin: (tokens: number) => reused.push(tokens) };
            const { done } = batch.decode(request, options);
            for (let i = 0; isGivenUp && i < after % 7; i++) await Promise.resolve();
            if (isGivenUp) giving.abort();
            return done.then(
              ([generation]) => expect(generation).toEqual(decodeAlone({ ...request, setting }, CONTEXT)),
              (error: AppError) => expect([isGivenUp, error.code]).toEqual([true, "interrupted"]),
            );
          });
          await Promise.all(ends);
          expect(Math.min(0, ...reused)).toBe(0);
          // What was read is what all that began would read, less what they reused.
          const whole = all.reduce((sum, { promptIds }) => sum + promptIds.length, 0);
          if (!all.some(({ isGivenUp }) => isGivenUp))
            expect(counts.ids).toBeGreaterThanOrEqual(whole - reused.reduce((sum, tokens) => sum + tokens, 0));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("start from what an ended row left: the next turn of a chat computes its own ids alone", async () => {
    const { ask, counts } = openBatch(1, false);
    expect(await ask(stem(0))).toBe(0);
    const before = counts.ids;
    expect(await ask([...stem(0), 7, 8])).toBe(20);
    expect(counts.ids - before).toBeLessThan(2 + alone([...stem(0), 7, 8]).ids.length);
    expect(await ask(stem(0).slice(0, 9))).toBe(9);
  });

  it("samples of one prompt compute it once, the others waiting for it", async () => {
    const { ask, counts } = openBatch(4);
    const reused = await Promise.all(["a", "b", "c", "d"].map((key) => ask(stem(1), { key })));
    expect([...reused].sort((a, b) => a - b)).toEqual([0, 20, 20, 20]);
    expect(counts.copied).toBe(60);
  });

  it("one that shares a beginning alone copies it, and leaves the longer conversation where it is", async () => {
    const { ask } = openBatch(2);
    const [first, second] = [
      [...stem(2).slice(0, 10), ...stem(0)],
      [...stem(2).slice(0, 10), 9, 9],
    ];
    await ask(first);
    expect(await ask(second)).toBe(10);
    expect(await ask([...first, 5])).toBe(30);
  });

  it("the slot that was left longest ago is taken where nothing is shared", async () => {
    const { ask } = openBatch(3);
    for (const number of [1, 2, 3]) await ask([number + 3, ...stem(number)]);
    await ask([4, ...stem(1)]); // used again: the second is the oldest now
    await ask([9, ...stem(4)]);
    expect(await ask([4, ...stem(1)])).toBe(21);
    expect(await ask([6, ...stem(3)])).toBe(21);
    expect(await ask([5, ...stem(2)])).toBe(0);
  });

  it("of another caller are never started from: the count would tell what was asked", async () => {
    const { ask } = openBatch(1);
    await ask(stem(0), { caller: "one" });
    expect(await ask(stem(0), { caller: "two" })).toBe(0);
    const both = openBatch(2);
    const reused = await Promise.all(["one", "two"].map((caller) => both.ask(stem(0), { caller })));
    expect(reused).toEqual([0, 0]);
    expect(both.counts.copied).toBe(0);
  });

  it("after a failure nothing is taken for held", async () => {
    const { source } = hashedSource(1, CONTEXT);
    let isBroken = false;
    const broken = {
      ...source,
      extend: async (rows: Parameters<typeof source.extend>[0]) => {
        const tokens = await source.extend(rows);
        if (isBroken) throw new AppError("engine", "out of order");
        return tokens;
      },
    };
    const batch = new ContinuousBatch(broken, delimiters);
    await batch.decode(asked(stem(0))).done;
    isBroken = true;
    await expect(batch.decode(asked(stem(0))).done).rejects.toMatchObject({ code: "engine" });
    isBroken = false;
    let reused = -1;
    const [generation] = await batch.decode(asked(stem(0)), { onBegin: (tokens) => (reused = tokens) }).done;
    expect([generation, reused]).toEqual([alone(stem(0)), 0]);
  });
});
