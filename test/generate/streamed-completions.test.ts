/** @file Streams of completions over real sockets: the same results as unstreamed, whatever breaks; and the server left once it writes in vain. */
import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { TextPieces } from "../../src/adapters/runtimes/completion-pieces.ts";
import { textReply } from "../../src/adapters/runtimes/completions-dialect.ts";
import { type CompletionsRuntime, openCompletionsRuntime } from "../../src/adapters/runtimes/completions-runtime.ts";
import { readTokenizerFolder } from "../../src/adapters/model-folder.ts";
import { decodeRows } from "../../src/decode/generate.ts";
import type { Generation } from "../../src/decode/row.ts";
import { segmentedRuntime } from "../../src/decode/segmented-runtime.ts";
import type { BudgetSetting } from "../../src/decode/thinking-budget.ts";
import type { ThinkingRuntime } from "../../src/decode/thinking-runtime.ts";
import type { TokenSource } from "../../src/decode/token-source.ts";
import { delimiters } from "../decode-model.ts";
import {
  type FakeCompletions,
  hashedToken,
  letters,
  type Manners,
  startFakeCompletions,
  type StreamManners,
  TRANSFORMERS_SERVE,
  VLLM,
  VOCABULARY,
} from "./fake-completions.ts";

const CONTEXT = 60;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function start(...args: Parameters<typeof startFakeCompletions>): Promise<FakeCompletions> {
  const server = await startFakeCompletions(...args);
  opened.push(server);
  return server;
}

async function open(server: FakeCompletions, more: object = {}): Promise<CompletionsRuntime> {
  const runtime = await openCompletionsRuntime({
    baseUrl: server.baseUrl,
    model: "student",
    contextTokens: CONTEXT,
    choosableIds: VOCABULARY,
    probeIds: [9, 12, 15],
    codec: letters,
    maxTries: 3,
    waiting: { now: () => 0, sleep: async () => undefined, seed: 0 },
    ...more,
  });
  opened.push(runtime);
  return runtime;
}

const thinking = (source: CompletionsRuntime): ThinkingRuntime =>
  segmentedRuntime(source, { concurrency: 4, limits: source.lacks, close: () => source.close() });

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

const anyRequest = fc.record({
  promptIds: fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 8 }),
  answerTokens: fc.integer({ min: 1, max: 5 }),
  sampling: fc.constant({ temperature: 0, key: "" }),
  setting: fc.record({
    mode: fc.constantFrom("think" as const, "think" as const, "direct" as const),
    budgetTokens: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(10_000)),
    waits: fc.integer({ min: 0, max: 3 }),
  }),
});

/** Which of the two ends an answer had is not known of a server that does not tell. */
const anyEnd = ({ ids, ...rest }: Generation): Generation => ({ ...rest, ids: ids.map((id) => (id === 3 ? 2 : id)) });

const text: Manners = { ...VLLM, takesIds: false, returnsIds: false, takesExtras: false, holdsBackStops: false };
const streaming = (stream: StreamManners, manners: Manners = VLLM): Manners => ({ ...manners, stream });
const SERVERS: Readonly<Record<string, Manners>> = {
  vLLM: VLLM,
  "one of several ids a piece": streaming({ pieceTokens: 3 }),
  "one that breaks off": streaming({ breaksAfter: 2 }),
  "one that tells of failures in the stream": streaming({ breaksAfter: 3, failsWith: "out of memory" }),
  "one that streams nothing": streaming({ form: "none" }),
  "one that tells no stop ids": { ...VLLM, tellsStops: false },
  "one that never stops": { ...VLLM, stops: false, holdsBackStops: false },
  "one of text alone": text,
  "transformers serve": TRANSFORMERS_SERVE,
  "one of text that breaks off": streaming({ pieceTokens: 2, breaksAfter: 2 }, text),
};

const thought = (setting: Partial<BudgetSetting> = {}) => ({
  promptIds: [4, 9],
  answerTokens: 3,
  sampling: { temperature: 0, key: "" },
  setting: { mode: "think" as const, budgetTokens: 12, waits: 1, ...setting },
  delimiters,
});

describe("a streamed server of completions", () => {
  it.each(Object.entries(SERVERS))("%s gives what the plain decoder gives", async (_, manners) => {
    const runtime = thinking(await open(await start(manners)));
    await fc.assert(
      fc.asyncProperty(anyRequest, async ({ setting, ...request }) => {
        const [plain] = await decodeRows(plainSource(), [{ ...request, settings: [setting] }], { delimiters });
        const streamed = await runtime.generate({ ...request, setting, delimiters });
        expect(anyEnd(streamed)).toEqual(anyEnd(plain![0] as Generation));
      }),
      { numRuns: 40 },
    );
  });

  it("gives ids as they come, not when the reply is over", async () => {
    const server = await start(streaming({ pauseMs: 5 }));
    const source = await open(server);
    const seen: number[] = [];
    await source.stream(
      {
        ids: [9],
        maxTokens: 6,
        stopIds: [],
        mayNotStopFirst: false,
        forbidden: [],
        sampling: { temperature: 0, key: "" },
      },
      (ids) => {
        for (const _ of ids) seen.push(server.streamed.pieces);
        return true;
      },
      undefined,
    );
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("leaves a server that would write on, at once", async () => {
    const server = await start(streaming({ pauseMs: 2 }, { ...VLLM, stops: false, holdsBackStops: false }));
    const source = await open(server);
    await source.stream(
      {
        ids: [9],
        maxTokens: 500,
        stopIds: [],
        mayNotStopFirst: false,
        forbidden: [],
        sampling: { temperature: 0, key: "" },
      },
      () => false,
      undefined,
    );
    await expect.poll(() => server.streamed.left).toBe(1);
    expect(server.streamed.pieces).toBeLessThan(20);
  });

  it("ends at the signal, and its server sees it", async () => {
    const server = await start(streaming({ pauseMs: 50 }));
    const runtime = thinking(await open(server));
    const leaving = new AbortController();
    const asked = runtime.generate(thought({ budgetTokens: 40, waits: 9 }), {
      signal: leaving.signal,
      onEmit: (items) => items.some(({ forced }) => !forced) && leaving.abort(),
    });
    await expect(asked).rejects.toMatchObject({ code: "interrupted" });
    await expect.poll(() => server.streamed.left).toBe(1);
    expect(runtime.load).toMatchObject({ active: 0, waiting: 0 });
  });

  it("tries again what broke before anything came, and gives up in the end", async () => {
    const dead = await start(streaming({ breaksAfter: 0 }));
    const runtime = thinking(await open(dead));
    const before = dead.bodies.length;
    await expect(runtime.generate(thought())).rejects.toMatchObject({ code: "provider", isRetryable: true });
    expect(dead.bodies.length - before).toBe(3);
    const telling = await start(streaming({ breaksAfter: 0, failsWith: "bad key secret-key-of-many-letters" }));
    const told = thinking(await open(telling, { apiKey: "secret-key-of-many-letters" })).generate(thought());
    await expect(told).rejects.toThrow("bad key [key]");
  });

  it("takes nothing that is no stream of completions", async () => {
    const wrong = (body: string) => (_: number, response: ServerResponse) => {
      if (!isAsking) return false;
      response.writeHead(200, { "content-type": "text/event-stream" }).end(body);
      return true;
    };
    let isAsking = false;
    for (const body of [
      "data: {}\n\n",
      "data: [\n\n",
      "data: [DONE]\n\n",
      "hello",
      'data: {"choices":[{"token_ids":["a"]}]}\n\n',
    ]) {
      isAsking = false;
      const runtime = thinking(await open(await start(VLLM, wrong(body))));
      isAsking = true;
      await expect(runtime.generate(thought())).rejects.toMatchObject({ code: "provider" });
    }
  });

  it("refuses at once what no retry mends", async () => {
    let isAsking = false;
    const server = await start(VLLM, (_, response) => {
      if (isAsking) response.writeHead(401).end("who are you");
      return isAsking;
    });
    const runtime = thinking(await open(server));
    isAsking = true;
    await expect(runtime.generate(thought())).rejects.toMatchObject({ code: "provider-permanent" });
  });
});

describe("text in pieces", () => {
  it("gives the ids of the whole text, its words before its end", async () => {
    const { tokenizer } = await readTokenizerFolder("models/demo-base");
    const { imEnd } = tokenizer.controlIds;
    const request = {
      ids: tokenizer.encodeControl("<|im_start|>think\n"),
      maxTokens: 1000,
      stopIds: [imEnd],
      mayNotStopFirst: false,
      forbidden: [],
      sampling: { temperature: 0, key: "" },
    };
    const part = fc.constantFrom(
      "62 a",
      "+36",
      " b",
      "  ",
      "\n",
      " Wait",
      ",",
      "é",
      "<|im_",
      "end|>",
      "Answer: 7",
      "\u0308",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 20 }),
        fc.constantFrom("stop", "length"),
        async (parts, finish) => {
          const given: number[] = [];
          // A row's own ids grow as it takes more.
          const growing = { ...request, ids: [...request.ids] };
          const take = (ids: readonly number[]): boolean => given.push(...ids) + growing.ids.push(...ids) > 0;
          const pieces = new TextPieces(growing, tokenizer, take);
          let isLeft = false;
          for (const [place, one] of parts.entries()) {
            const finishReason = place === parts.length - 1 ? finish : "";
            isLeft ||= !pieces.push({ text: one, tokenIds: undefined, finishReason });
            if (isLeft) break;
          }
          const end = pieces.finish(isLeft ? "left" : "whole");
          expect(pieces.isSeamWhole).toBe(
            textReply(
              { text: parts.join(""), finishReason: finish, stopReason: undefined, tokenIds: undefined },
              request,
              tokenizer,
            ).isSeamWhole,
          );
          const whole = { text: parts.join(""), finishReason: finish, stopReason: undefined, tokenIds: undefined };
          const { reply } = textReply(whole, request, tokenizer);
          expect({ ids: given, end }).toEqual(reply);
          expect(given).not.toContain(imEnd);
        },
      ),
      { numRuns: 500 },
    );
    const early: number[] = [];
    const pieces = new TextPieces(request, tokenizer, (ids) => early.push(...ids) >= 0);
    for (const word of ["one", " two", " three"]) pieces.push({ text: word, tokenIds: undefined, finishReason: "" });
    expect(tokenizer.decode(early)).toBe("one two");
  });
});
