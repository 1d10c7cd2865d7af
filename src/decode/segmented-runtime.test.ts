/** @file The runtime over a streaming server against the plainest decoder: same model, same requests, same generations. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anyPrompt,
  anySetting,
  CONTEXT,
  decodeAlone,
  delimiters,
  hashedToken,
  VOCABULARY,
} from "../../test/decode-model.ts";
import { AppError } from "../core/errors.ts";
import type { Generation } from "./row.ts";
import { segmentedRuntime } from "./segmented-runtime.ts";
import type { SegmentReply, SegmentRequest, StreamedSource } from "./segments.ts";
import type { EmittedToken } from "./thinking-budget.ts";
import type { ThinkingRuntime } from "./thinking-runtime.ts";

/** How a server writes. */
interface Manners {
  readonly tellsStops: boolean;
  /** Lengths of the pieces that ids come in, taken in turn. */
  readonly pieces: readonly number[];
  /** The stream breaks off after so many ids of each segment. */
  readonly breaksAfter: number;
  readonly isStreamed: boolean;
}

const PLAIN: Manners = { tellsStops: true, pieces: [1], breaksAfter: 1000, isStreamed: true };
const anyManners: fc.Arbitrary<Manners> = fc.record({
  tellsStops: fc.boolean(),
  pieces: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  breaksAfter: fc.constantFrom(1, 3, 1000),
  isStreamed: fc.boolean(),
});

/** What the model writes, as a server does: it ends at a stop or at the limit. */
function reply(request: SegmentRequest, { tellsStops }: Manners): SegmentReply {
  const ids: number[] = [];
  while (ids.length < request.maxTokens) {
    const held = request.mayNotStopFirst && ids.length === 0 ? request.stopIds : [];
    const row = { forbidden: [...request.forbidden, ...held], sampling: request.sampling };
    const token = hashedToken([...request.ids, ...ids], row);
    const isStop = request.stopIds.includes(token);
    if (!isStop || tellsStops) ids.push(token);
    if (isStop) return { ids, end: "stop" };
  }
  return { ids, end: "length" };
}

function sourceOf(manners: Manners, pause = async (): Promise<void> => undefined) {
  /** Ids that were written after the machine had turned away. */
  const counts = { requests: 0, wasted: 0 };
  const write: StreamedSource["write"] = async (request) => {
    counts.requests++;
    return reply(request, manners);
  };
  const stream: StreamedSource["stream"] = async (asked, take, signal) => {
    const request = { ...asked, ids: [...asked.ids] };
    const { ids, end } = await write(request, signal);
    for (let at = 0, turn = 0; at < ids.length; turn++) {
      const next = at + (manners.pieces[turn % manners.pieces.length] as number);
      await pause();
      if (signal?.aborted) throw new AppError("interrupted", "left");
      if (!take(ids.slice(at, next))) {
        counts.wasted += Math.max(0, ids.length - next);
        return end;
      }
      at = next;
      if (at >= manners.breaksAfter && at < ids.length) return "length";
    }
    return end;
  };
  const facts = { contextTokens: CONTEXT, choosableIds: VOCABULARY, canHoldBackStops: true, maxSegmentTokens: 1000 };
  const source = manners.isStreamed ? { ...facts, write, stream } : { ...facts, write };
  return { source, counts };
}

function runtimeOf(manners: Manners, concurrency = 3, pause?: () => Promise<void>): ThinkingRuntime {
  const { source } = sourceOf(manners, pause);
  return segmentedRuntime(source, { concurrency, limits: ["it is a script"], close: async () => undefined });
}

/** Which of the two ends an answer had is not known of a server that does not tell. */
const anyEnd = ({ ids, ...rest }: Generation): Generation => ({ ...rest, ids: ids.map((id) => (id === 3 ? 2 : id)) });

const request = (promptIds: number[], more: object = {}) => ({
  promptIds,
  setting: { mode: "think", budgetTokens: 10, waits: 1 } as const,
  delimiters,
  answerTokens: 3,
  sampling: { temperature: 0, key: "" },
  ...more,
});

describe("segmentedRuntime", () => {
  it("gives each request what it gets alone, in whatever pieces its ids come, and tells them in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyPrompt, anySetting), { minLength: 1, maxLength: 6 }),
        anyManners,
        fc.constantFrom(delimiters.wait, [], [20, 21]),
        async (wanted, manners, wait) => {
          const runtime = runtimeOf(manners);
          await Promise.all(
            wanted.map(async ([prompt, setting]) => {
              const told: EmittedToken[] = [];
              const onEmit = (items: readonly EmittedToken[]): void => void told.push(...items);
              const own = { ...delimiters, wait };
              const made = await runtime.generate({ ...prompt, setting, delimiters: own }, { onEmit });
              expect(anyEnd(made)).toEqual(anyEnd(decodeAlone({ ...prompt, setting }, CONTEXT, wait)));
              expect(told.map(({ token }) => token)).toEqual(made.ids);
              expect(told.map(({ forced }) => forced)).toEqual(made.forcedMask);
            }),
          );
          expect(runtime.load).toMatchObject({ active: 0, waiting: 0 });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("leaves the server once it goes another way: nothing is written in vain", async () => {
    await fc.assert(
      fc.asyncProperty(anyPrompt, anySetting, async (prompt, setting) => {
        const { source, counts } = sourceOf(PLAIN);
        const runtime = segmentedRuntime(source, { concurrency: 1, limits: [], close: async () => undefined });
        await runtime.generate({ ...prompt, setting, delimiters });
        expect(counts.wasted).toBe(0);
      }),
    );
  });

  it("lets in as many as it may, callers in turn, and frees the place of who leaves", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const runtime = runtimeOf(PLAIN, 1, () => gate);
    const order: string[] = [];
    const leaving = new AbortController();
    const ask = (caller: string, name: string, signal?: AbortSignal) =>
      runtime.generate(request([4]), { caller, signal }).then(() => order.push(name));
    const asked = [ask("a", "a1"), ask("a", "a2"), ask("a", "a3"), ask("b", "b1")];
    const left = ask("a", "left", leaving.signal);
    expect(runtime.load).toMatchObject({ active: 1, waiting: 4 });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: "interrupted" });
    expect(runtime.load).toMatchObject({ active: 1, waiting: 3 });
    release();
    await Promise.all(asked);
    expect(order).toEqual(["a1", "a2", "b1", "a3"]);
    expect(runtime.load).toMatchObject({ active: 0, waiting: 0 });
  });

  it("ends what is under way at the signal, and everything at its end", async () => {
    const leaving = new AbortController();
    const runtime = runtimeOf(PLAIN, 2, async () => leaving.abort());
    await expect(runtime.generate(request([4]), { signal: leaving.signal })).rejects.toMatchObject({
      code: "interrupted",
    });
    expect(runtime.load.active).toBe(0);
    const never = runtimeOf(PLAIN, 1, () => new Promise((resolve) => setTimeout(resolve, 5)));
    const all = Promise.allSettled([never.generate(request([4])), never.generate(request([5]))]);
    await never.close();
    for (const end of await all) expect(end).toMatchObject({ status: "rejected", reason: { code: "interrupted" } });
    await expect(never.generate(request([4]))).rejects.toMatchObject({ code: "interrupted" });
    expect(never.limits).toEqual(["it is a script"]);
  });

  it("refuses at once what does not fit, and passes on what its server fails with", async () => {
    const runtime = runtimeOf(PLAIN);
    const long = request(Array.from({ length: CONTEXT }, () => 4));
    await expect(runtime.generate(long)).rejects.toMatchObject({ code: "limit-exceeded" });
    const failing = runtimeOf(PLAIN, 1, () => Promise.reject(new AppError("provider", "gone")));
    await expect(failing.generate(request([4]))).rejects.toThrow("gone");
    expect(failing.load.active).toBe(0);
  });
});
