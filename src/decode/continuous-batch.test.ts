import { getEventListeners } from "node:events";
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
} from "../../test/decode-model.ts";
import { AppError } from "../core/errors.ts";
import { ContinuousBatch } from "./continuous-batch.ts";

const request = (key: string, answerTokens = 3) => ({
  promptIds: [4, 5, 6],
  settings: [{ mode: "think", budgetTokens: 10, waits: 1 } as const],
  answerTokens,
  sampling: { temperature: 1, key },
});
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

describe("a continuous batch", () => {
  it("gives each request what it gets alone, whenever it comes and whoever leaves", async () => {
    const anyComing = fc.tuple(anyPrompt, anySetting, fc.integer({ min: 0, max: 40 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(anyComing, { minLength: 1, maxLength: 12 }), slotCount, async (coming, slots) => {
        const batch = new ContinuousBatch(hashedSource(slots, CONTEXT).source, delimiters);
        const ends = coming.map(async ([prompt, setting, after, isGivenUp]) => {
          await turns(after);
          const giving = new AbortController();
          const { done } = batch.decode({ ...prompt, settings: [setting] }, { signal: giving.signal });
          if (isGivenUp) void turns(after % 7).then(() => giving.abort());
          return done.then(
            ([generation]) => expect(generation).toEqual(decodeAlone({ ...prompt, setting }, CONTEXT)),
            (error: AppError) => expect([isGivenUp, error.code]).toEqual([true, "interrupted"]),
          );
        });
        await Promise.all(ends);
        expect(batch.load).toMatchObject({ active: 0, waiting: 0 });
      }),
      { numRuns: 200 },
    );
  });

  it("lets callers take turns: one with many requests does not keep another waiting", async () => {
    const batch = new ContinuousBatch(hashedSource(1, CONTEXT).source, delimiters);
    const order: string[] = [];
    const ask = (caller: string, key: string) =>
      batch.decode(request(key), { caller }).done.then(() => void order.push(key));
    const all = [1, 2, 3, 4].map((n) => ask("greedy", `g${n}`));
    all.push(ask("modest", "m1"), ask("modest", "m2"));
    expect(batch.load).toMatchObject({ active: 0, waiting: 6 });
    await Promise.all(all);
    expect(order).toEqual(["g1", "m1", "g2", "m2", "g3", "g4"]);
  });

  it("refuses what does not fit, alone", async () => {
    const batch = new ContinuousBatch(hashedSource(2, CONTEXT).source, delimiters);
    const [good, bad] = [batch.decode(request("a")), batch.decode({ ...request("b"), promptIds: Array(80).fill(4) })];
    await expect(bad.done).rejects.toMatchObject({ code: "limit-exceeded" });
    expect(await good.done).toHaveLength(1);
  });

  it("frees the slot of who gives up, at once for who waits", async () => {
    const { source, counts } = hashedSource(1, CONTEXT);
    const batch = new ContinuousBatch(source, delimiters);
    const giving = new AbortController();
    const first = batch.decode(request("a", 30), { signal: giving.signal });
    const second = batch.decode(request("b"));
    await turns(6);
    giving.abort(new Error("gone"));
    await expect(first.done).rejects.toMatchObject({ code: "interrupted" });
    const before = counts.calls;
    await second.done;
    expect(counts.calls).toBeGreaterThan(before);
  });

  it("who gives up while waiting is told at once, and waits no longer", async () => {
    const { source } = hashedSource(1, CONTEXT);
    const stuck = { ...source, extend: () => new Promise<Int32Array>(() => undefined) };
    const batch = new ContinuousBatch(stuck, delimiters);
    const giving = new AbortController();
    batch.decode(request("a")).done.catch(() => undefined);
    await turns(4);
    const jobs = Array.from({ length: 9 }, (_, k) =>
      batch.decode(request(`w${k}`), { signal: giving.signal, caller: `c${k % 2}` }),
    );
    expect(batch.load).toMatchObject({ active: 1, waiting: 9 });
    giving.abort();
    for (const { done } of jobs) await expect(done).rejects.toMatchObject({ code: "interrupted" });
    expect(batch.load).toMatchObject({ active: 1, waiting: 0 });
  });

  it("leaves no listener on a signal once it waits no longer: a combined one would be kept for ever", async () => {
    const batch = new ContinuousBatch(hashedSource(1, CONTEXT).source, delimiters);
    const [lasting, leaving] = [new AbortController(), new AbortController()];
    const listeners = () => [lasting, leaving].map(({ signal }) => getEventListeners(signal, "abort").length);
    const jobs = ["a", "b"].map((key) => batch.decode(request(key), { signal: lasting.signal }));
    const gone = batch.decode(request("c"), { signal: leaving.signal });
    expect(listeners()).toEqual([2, 1]);
    leaving.abort();
    await expect(gone.done).rejects.toMatchObject({ code: "interrupted" });
    await Promise.all(jobs.map(({ done }) => done));
    const late = batch.decode(request("d"), { signal: lasting.signal });
    batch.close(new AppError("interrupted", "closed"));
    await expect(late.done).rejects.toMatchObject({ code: "interrupted" });
    expect(listeners()).toEqual([0, 0]);
  });

  it("a model that fails fails everyone, and is asked again by who comes later", async () => {
    const { source } = hashedSource(2, CONTEXT);
    let isBroken = true;
    const broken = {
      ...source,
      extend: (rows: Parameters<typeof source.extend>[0]) => {
        if (isBroken) return Promise.reject(new AppError("engine", "out of order"));
        return source.extend(rows);
      },
    };
    const batch = new ContinuousBatch(broken, delimiters);
    const jobs = [batch.decode(request("a")), batch.decode(request("b")), batch.decode(request("c"))];
    for (const { done } of jobs) await expect(done).rejects.toMatchObject({ code: "engine" });
    isBroken = false;
    expect(await batch.decode(request("d")).done).toHaveLength(1);
    batch.close(new AppError("interrupted", "closed"));
    await expect(batch.decode(request("e")).done).rejects.toMatchObject({ code: "interrupted" });
  });
});
