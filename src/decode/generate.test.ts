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
import { decodeRows, generate, type GenerateRequest } from "./generate.ts";
import { sweep } from "./sweep.ts";
import type { BudgetSetting, EmittedToken } from "./thinking-budget.ts";

describe("generate", () => {
  it("gives each request what it gets alone, at any number of slots and in any company", async () => {
    const anyRequest = fc.tuple(anyPrompt, anySetting).map(([prompt, setting]) => ({ ...prompt, setting }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { maxLength: 9 }), slotCount, async (requests, slots) => {
        const results = await generate(hashedSource(slots, CONTEXT).source, requests, { delimiters });
        expect(results).toEqual(requests.map((request) => decodeAlone(request, CONTEXT)));
      }),
      { numRuns: 60 },
    );
  });

  it("reads each id once and refills a slot at once", async () => {
    const prompt = { promptIds: [4, 5, 6], answerTokens: 2, sampling: { temperature: 0, key: "" } };
    const requests = [8, 2, 2, 2].map((budgetTokens, index) => ({
      ...prompt,
      promptIds: [6 + index, 5, 4], // beginning alike, they would not all be read
      setting: { mode: "think" as const, budgetTokens, waits: 0 },
    }));
    const { source, counts } = hashedSource(2, CONTEXT);
    const results = await generate(source, requests, { delimiters });
    const unread = 1; // the last token of each row is chosen but never read
    expect(counts.ids).toBe(results.reduce((sum, { ids }) => sum + 3 + ids.length - unread, 0));
    const choices = (request: GenerateRequest) => {
      const alone = decodeAlone(request, CONTEXT);
      return alone.forcedMask.filter((isForced) => !isForced).length + (alone.end === "natural" ? 1 : 0);
    };
    const lengths = requests.map(choices);
    expect(counts.choices).toBe(lengths.reduce((sum, length) => sum + length, 0));
    expect(counts.calls).toBe(makespan(lengths, 2));
    expect(counts.truncations).toBe(requests.length); // one to empty the slot for each row, none in between
  });

  it("tells every id as it is appended, recalled ones too, each setting's apart", async () => {
    const prompt = { promptIds: [4, 5, 6], answerTokens: 4, sampling: { temperature: 0, key: "" } };
    const settings = [40, 12, 12].map((budgetTokens, index) => ({
      mode: "think" as const,
      budgetTokens,
      waits: index,
    }));
    const told: EmittedToken[][] = settings.map(() => []);
    const onEmit = (items: readonly EmittedToken[], index: number) => told[index]?.push(...items);
    const [generations] = await decodeRows(hashedSource(1, CONTEXT).source, [{ ...prompt, settings, onEmit }], {
      delimiters,
    });
    expect(told.map((items) => items.map(({ token }) => token))).toEqual(generations?.map(({ ids }) => ids));
    expect(told.map((items) => items.map(({ forced }) => forced))).toEqual(
      generations?.map(({ forcedMask }) => forcedMask),
    );
  });

  it("refuses a prompt that leaves no room for an answer, and nothing shorter", async () => {
    const request = (length: number) => ({
      promptIds: Array.from({ length }, () => 4),
      answerTokens: 5,
      sampling: { temperature: 0, key: "" },
      setting: { mode: "think" as const, budgetTokens: 100, waits: 0 },
    });
    const fits = CONTEXT - (2 + 5 + 5 + 1);
    const [tight] = await generate(hashedSource(1, CONTEXT).source, [request(fits)], { delimiters });
    expect(tight).toMatchObject({ thinkingIds: [], end: "cut" });
    const tooLong = generate(hashedSource(1, CONTEXT).source, [request(fits + 1)], { delimiters });
    await expect(tooLong).rejects.toMatchObject({ code: "limit-exceeded" });
  });

  it("does nothing for no requests", async () => {
    const { source, counts } = hashedSource(2, CONTEXT);
    expect(await generate(source, [], { delimiters })).toEqual([]);
    expect(counts.calls).toBe(0);
  });

  it("reports progress up to the end and stops at the signal", async () => {
    const setting = { mode: "think" as const, budgetTokens: 4, waits: 0 };
    const requests = [4, 5, 6].map((id) => ({
      promptIds: [id],
      answerTokens: 2,
      sampling: { temperature: 0, key: "" },
      setting,
    }));
    const seen: [number, number][] = [];
    await generate(hashedSource(1, CONTEXT).source, requests, {
      delimiters,
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const controller = new AbortController();
    const stopped = generate(hashedSource(1, CONTEXT).source, requests, {
      delimiters,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
  });

  it("leaves no listener of a call of many requests at its signal, so that none is warned of", async () => {
    const { signal } = new AbortController();
    const setting = { mode: "think" as const, budgetTokens: 4, waits: 0 };
    const request = { promptIds: [4], answerTokens: 2, sampling: { temperature: 0, key: "" }, setting };
    const many = Array.from({ length: 40 }, (): GenerateRequest => request);
    const call = generate(hashedSource(1, CONTEXT).source, many, { delimiters, signal });
    expect(getEventListeners(signal, "abort").length).toBeLessThan(10);
    expect(await call).toHaveLength(40);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

/** Rounds that rows of these lengths take when each next row goes to the first slot that is free. */
function makespan(lengths: readonly number[], slots: number): number {
  const busyUntil = Array.from({ length: slots }, () => 0);
  for (const length of lengths) {
    const slot = busyUntil.indexOf(Math.min(...busyUntil));
    busyUntil[slot] = (busyUntil[slot] as number) + length;
  }
  return Math.max(...busyUntil);
}

describe("sweep", () => {
  it("gives exactly what each setting gives alone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPrompt, { maxLength: 5 }),
        fc.array(anySetting, { maxLength: 8 }),
        slotCount,
        fc.constantFrom([], [20], [20, 21]), // without a wait text, an end and its swallowing share a sequence
        async (prompts, settings, slots, wait) => {
          const options = { delimiters: { ...delimiters, wait }, settings };
          const results = await sweep(hashedSource(slots, CONTEXT).source, prompts, options);
          const alone = prompts.map((prompt) =>
            settings.map((setting) => decodeAlone({ ...prompt, setting }, CONTEXT, wait)),
          );
          expect(results).toEqual(alone);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("costs the longest trajectory and one answer for each other setting", async () => {
    const answerTokens = 3;
    const ladder = [4, 8, 12, 16, 10_000].map((budgetTokens) => ({ mode: "think" as const, budgetTokens, waits: 0 }));
    const settings: BudgetSetting[] = [
      { mode: "direct", budgetTokens: 0, waits: 0 },
      ...ladder,
      ...[1, 2].map((waits) => ({ mode: "think" as const, budgetTokens: 10_000, waits })),
    ];
    const prompts = Array.from({ length: 20 }, (_, index) => ({
      promptIds: [4, 5, 6, 4 + index],
      answerTokens,
      sampling: { temperature: 0, key: "" },
    }));
    const { source, counts } = hashedSource(4, 200);
    const results = await sweep(source, prompts, { delimiters, settings });
    const longest = results.reduce((sum, row) => sum + Math.max(...row.map(({ ids }) => ids.length)), 0);
    // Each other setting chooses at most its answer; without sharing, the ladder alone would choose far more.
    expect(counts.choices).toBeLessThanOrEqual(longest + prompts.length * settings.length * answerTokens);
    const prompt = 4;
    const branch = answerTokens + 6; // an answer and the longest delimiter, re-reading the last id before it
    expect(counts.ids).toBeLessThanOrEqual(longest + prompts.length * (prompt + settings.length * branch));
  });
});
