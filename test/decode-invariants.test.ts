/** @file The invariants of decode-invariants.ts at every runtime, over random models, requests and ways of splitting the work. */
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { openTokenSource } from "../src/adapters/engine/engine-token-source.ts";
import { openEngine } from "../src/adapters/engine/open-engine.ts";
import { openCompletionsRuntime } from "../src/adapters/runtimes/completions-runtime.ts";
import { ggufTokenSource } from "../src/adapters/runtimes/gguf-source.ts";
import { readTokenizerFolder } from "../src/adapters/model-folder.ts";
import { prng } from "../src/core/prng.ts";
import { generate } from "../src/decode/generate.ts";
import type { Generation } from "../src/decode/row.ts";
import { segmentedRuntime } from "../src/decode/segmented-runtime.ts";
import type { SegmentReply, SegmentRequest, SegmentSource, StreamedSource } from "../src/decode/segments.ts";
import { forbidden, startThinking, step, type EmittedToken } from "../src/decode/thinking-budget.ts";
import { batchedRuntime, type ThinkingRequest } from "../src/decode/thinking-runtime.ts";
import type { ExtendRow, TokenSource } from "../src/decode/token-source.ts";
import { checkPromptAsText, messagesWithoutSpellings } from "../src/server/control-spellings.ts";
import { ApiError } from "../src/server/openai/api-error.ts";
import { initialTensors } from "../src/student/parameters.ts";
import { anyRequest, expectInvariants, expectInvariantsOf } from "./decode-invariants.ts";
import { CONTEXT, delimiters, hashedToken, VOCABULARY } from "./decode-model.ts";
import { fakeSequence } from "./fake-llama.ts";
import { letters, type Manners, startFakeCompletions, TRANSFORMERS_SERVE, VLLM } from "./generate/fake-completions.ts";

type Choice = Pick<ExtendRow, "forbidden" | "sampling">;
/** Chooses by all that it has read; one that is not obedient takes no notice of what is forbidden. */
type Model = (sequence: readonly number[], choice: Choice) => number;

/** Models that are a hash of the sequence, and models that write a stream of tokens whatever they read. */
const anyModel: fc.Arbitrary<Model> = fc.oneof(
  fc.integer({ min: 0, max: 1e6 }).map(
    (seed): Model =>
      (sequence, choice) =>
        hashedToken([seed, ...sequence], choice),
  ),
  fc
    .array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: VOCABULARY - 1 })), {
      minLength: 1,
      maxLength: 40,
    })
    .map(
      (stream): Model =>
        (sequence, { forbidden: barred }) => {
          const token = stream[sequence.length % stream.length] as number;
          return barred.includes(token) ? 4 + (token % 16) : token;
        },
    ),
);
const disobedient =
  (model: Model): Model =>
  (sequence, { sampling }) =>
    model(sequence, { sampling, forbidden: [] });
const requests = (most = 5) => fc.array(anyRequest(), { minLength: 1, maxLength: most });
/** Requests that end in every way, at the models that are the same each time; where there are few others, chance must not decide. */
const fewRequests = (): ThinkingRequest[] => {
  const plain = { delimiters, answerTokens: 4, sampling: { temperature: 1, key: "few" } };
  const think = { mode: "think", waits: 1 } as const;
  const thoughts = [2, 3, 10_000, 10_000, 10_000, 10_000].map((budgetTokens, at) => ({
    ...plain,
    promptIds: [4 + at],
    setting: { ...think, budgetTokens },
  }));
  return [...thoughts, { ...plain, promptIds: [9], setting: { mode: "direct", budgetTokens: 0, waits: 0 } }];
};
const ends = new Set<Generation["end"]>();
const seen = (generations: readonly Generation[]): void => generations.forEach(({ end }) => ends.add(end));
const noClose = async (): Promise<void> => undefined;

function sourceOf(model: Model, slots: number): TokenSource {
  const held: number[][] = Array.from({ length: slots }, () => []);
  return {
    slots,
    contextTokens: CONTEXT,
    truncate: (slot, length) => void (held[slot]!.length = length),
    extend: async (rows) =>
      Int32Array.from(rows, (row) => {
        held[row.slot]!.push(...row.ids);
        return model(held[row.slot]!, row);
      }),
  };
}

afterEach((context) => {
  // Random requests that never end in one of the ways would prove nothing of it.
  if (context.task.name.startsWith("at ")) expect([...ends].sort()).toEqual(["cut", "direct", "natural"]);
  ends.clear();
});

describe("the invariants of thinking under a budget", () => {
  it("at the pure machine, token by token", () => {
    fc.assert(
      fc.property(anyModel, anyRequest(), fc.boolean(), (model, request, isObedient) => {
        const { promptIds, sampling } = request;
        // The machine knows of no context: the row before it lowers the budget.
        const setting = { ...request.setting, budgetTokens: Math.min(40, request.setting.budgetTokens) };
        const told: EmittedToken[] = [];
        let { state, emit, done } = startThinking({ ...request, setting });
        for (told.push(...emit); !done; told.push(...emit)) {
          const sequence = [...promptIds, ...told.map(({ token }) => token)];
          const token = (isObedient ? model : disobedient(model))(sequence, { forbidden: forbidden(state), sampling });
          ({ state, emit, done } = step(state, token));
        }
        const part = (name: string) => told.filter((item) => item.part === name).map(({ token }) => token);
        const generation = {
          ids: told.map(({ token }) => token),
          forcedMask: told.map(({ forced }) => forced),
          thinkingIds: part("thinking"),
          answerIds: part("answer"),
          end: state.end!,
          answerFinish: state.answerFinish!,
        };
        const observed = { request: { ...request, setting }, promptTokens: promptIds.length, generation, told };
        expectInvariants(observed, { contextTokens: 1e6, isObedient });
        seen([generation]);
      }),
      { numRuns: 300 },
    );
  });

  it("at a batch over any source of tokens, with any number of slots", async () => {
    const slots = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(anyModel, requests(6), slots, fc.boolean(), async (model, all, count, isObedient) => {
        const source = sourceOf(isObedient ? model : disobedient(model), count);
        const runtime = batchedRuntime(source, { delimiters, close: noClose });
        seen(await expectInvariantsOf(runtime, all, isObedient));
      }),
      { numRuns: 60 },
    );
  });

  it("at servers that write in segments, whole or in pieces, cut and split anyhow", async () => {
    const manners = fc.record({ seed: fc.nat(), isStreamed: fc.boolean(), holds: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(anyModel, requests(), manners, fc.boolean(), async (model, all, given, isObedient) => {
        const source = splittingSource(isObedient ? model : disobedient(model), given);
        const runtime = segmentedRuntime(source, { concurrency: 3, limits: [], close: noClose });
        seen(await expectInvariantsOf(runtime, all, isObedient));
      }),
      { numRuns: 60 },
    );
  });

  const slots = fc.integer({ min: 1, max: 4 });
  it("at a GGUF, by a module that stands in for node-llama-cpp", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), requests(), slots, fc.boolean(), async (seed, all, count, forgets) => {
        // Four rows of padding: ids that the tokenizer lacks.
        const sequences = Array.from({ length: count }, () => fakeSequence({ rows: VOCABULARY + 4, forgets, seed }));
        const source = ggufTokenSource(sequences, { contextTokens: CONTEXT, choosableIds: VOCABULARY });
        const runtime = batchedRuntime(source, { delimiters, close: noClose });
        seen(await expectInvariantsOf(runtime, all));
      }),
      { numRuns: 30 },
    );
  });
});

/** A server that tells its stops or not, ends segments early, and sends them in pieces: each time otherwise, for the same model. */
function splittingSource(
  model: Model,
  { seed, isStreamed, holds }: { seed: number; isStreamed: boolean; holds: boolean },
): SegmentSource | StreamedSource {
  const random = prng(`split ${seed}`);
  const write = async (request: SegmentRequest): Promise<SegmentReply> => {
    const ids: number[] = [];
    const limit = random.int(1, request.maxTokens);
    while (ids.length < limit) {
      const held = request.mayNotStopFirst && ids.length === 0 ? request.stopIds : [];
      const barred = [...request.forbidden, ...held];
      const token = model([...request.ids, ...ids], { forbidden: barred, sampling: request.sampling });
      if (request.stopIds.includes(token)) return { ids: [...ids, token], end: "stop" };
      ids.push(token);
    }
    return { ids, end: "length" };
  };
  const stream: StreamedSource["stream"] = async (asked, take) => {
    const { ids, end } = await write({ ...asked, ids: [...asked.ids] });
    for (let at = 0; at < ids.length; ) {
      const next = at + random.int(1, 4);
      await Promise.resolve();
      if (!take(ids.slice(at, next))) return end;
      at = next;
    }
    return end;
  };
  const maxSegmentTokens = random.int(1, 30);
  const facts = { contextTokens: CONTEXT, choosableIds: VOCABULARY, canHoldBackStops: holds, maxSegmentTokens };
  return isStreamed ? { ...facts, write, stream } : { ...facts, write };
}

const TEXT: Manners = { ...VLLM, takesIds: false, returnsIds: false, takesExtras: false, holdsBackStops: false };

describe("over real sockets", () => {
  const waiting = { now: () => 0, sleep: noClose, seed: 0 };
  it.each<[string, Manners]>([
    ["in ids, streamed", VLLM],
    ["in ids, at a server that breaks off", { ...VLLM, stream: { pieceTokens: 2, breaksAfter: 3 } }],
    ["in text, at a server that forbids", TEXT],
    ["in text, as transformers serves it", TRANSFORMERS_SERVE],
  ])("at a server of completions %s", async (_, manners) => {
    for (const seed of [1, 2]) {
      const server = await startFakeCompletions({ ...manners, seed });
      const address = { baseUrl: server.baseUrl, model: "student", waiting };
      const size = { contextTokens: CONTEXT, choosableIds: VOCABULARY, maxSegmentTokens: seed * 20 };
      const source = await openCompletionsRuntime({ ...address, ...size, probeIds: [9, 12, 15], codec: letters });
      expect(source.abilities.forbidsIds).toBe(true);
      const close = (): Promise<void> => source.close();
      const runtime = segmentedRuntime(source, { concurrency: 4, limits: source.lacks, close });
      try {
        seen(await expectInvariantsOf(runtime, fewRequests()));
        await fc.assert(
          fc.asyncProperty(fc.array(anyRequest([0]), { minLength: 1, maxLength: 3 }), async (all) =>
            seen(await expectInvariantsOf(runtime, all)),
          ),
          { numRuns: 6 },
        );
      } finally {
        await runtime.close();
        await server.close();
      }
    }
  });
});

describe("on the embedded engine", () => {
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });
  const shape = {
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headSize: 16,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-6,
    maxPositions: 64,
    isTied: true,
    vocabularySize: VOCABULARY + 8,
  };

  it("at random students, by generate and by the runtime", async () => {
    for (const seed of [0, 1]) {
      const engine = await openEngine({ threads: 1, memoryBytes: 1 << 26 });
      closing.push(() => engine.close());
      const size = { slots: 3, contextTokens: CONTEXT, choosableIds: VOCABULARY };
      const model = { config: shape, tensors: initialTensors(shape, seed) };
      const source = await openTokenSource(engine, model, size);
      const runtime = batchedRuntime(source, { delimiters, close: noClose });
      seen(await expectInvariantsOf(runtime, fewRequests()));
      await fc.assert(
        fc.asyncProperty(fc.array(anyRequest([0, 1]), { minLength: 1, maxLength: 5 }), async (all) => {
          const generations = await expectInvariantsOf(runtime, all);
          seen(generations);
          for (const [place, { delimiters: own, ...request }] of all.entries())
            expect(await generate(source, [request], { delimiters: own })).toEqual([generations[place]]);
        }),
        { numRuns: 8 },
      );
    }
  });
});

describe("text of a user", () => {
  it("encodes to no control token: by ids anywhere, by text unless it is refused or broken up", async () => {
    const { tokenizer, chatTemplate } = await readTokenizerFolder("models/demo-base");
    const control = new Set(tokenizer.addedTokens.values());
    const controlsOf = (ids: readonly number[]): number[] => ids.filter((id) => control.has(id));
    const spelling = fc.constantFrom(...tokenizer.addedTokens.keys());
    const part = fc.oneof(
      spelling,
      spelling.map((text) => text.slice(0, 5)),
      spelling.map((text) => text.slice(5)),
      fc.string({ unit: "grapheme", maxLength: 5 }),
      fc.constantFrom("think", "answer", "\nFinal Answer:", "<", "|>", "\u200B"),
    );
    const plain = controlsOf(chatTemplate.encodePrompt([{ role: "user", content: "x" }]));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom("refuse", "neutralise"), (parts, rule) => {
        const messages = [{ role: "user" as const, content: parts.join("") }];
        expect(controlsOf(chatTemplate.encodePrompt(messages))).toEqual(plain);
        const spells = tokenizer.hasControlSpelling(parts.join(""));
        const asText = (): number[] => {
          const promptIds = chatTemplate.encodePrompt(messagesWithoutSpellings(messages, { tokenizer, rule }));
          checkPromptAsText(promptIds, tokenizer);
          return tokenizer.encodeControl(tokenizer.decode(promptIds));
        };
        if (spells && rule === "refuse") expect(asText).toThrow(ApiError);
        else expect(controlsOf(asText())).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});
