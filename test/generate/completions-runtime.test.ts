/** @file The completions runtime over real sockets: what it asks, what it makes of servers' lacks, and that the decoder's results do not depend on them. */
import { delimiters } from "../decode-model.ts";
import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type CompletionsRuntime, openCompletionsRuntime } from "../../src/adapters/runtimes/completions-runtime.ts";
import { textReply } from "../../src/adapters/runtimes/completions-dialect.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";
import { decodeSegments } from "../../src/decode/decode-segments.ts";
import { decodeRows } from "../../src/decode/generate.ts";
import type { Generation, RowRequest } from "../../src/decode/row.ts";
import type { TokenSource } from "../../src/decode/token-source.ts";
import {
  type FakeCompletions,
  hashedToken,
  letters,
  type Manners,
  startFakeCompletions,
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
    waiting: { now: () => 0, sleep: async () => undefined, seed: 0 },
    ...more,
  });
  opened.push(runtime);
  return runtime;
}

const plainSource = (): TokenSource => {
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
};

const anyRow: fc.Arbitrary<RowRequest> = fc.record({
  promptIds: fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 8 }),
  answerTokens: fc.integer({ min: 1, max: 5 }),
  sampling: fc.constant({ temperature: 0, key: "" }),
  settings: fc.array(
    fc.record({
      mode: fc.constantFrom("think" as const, "think" as const, "direct" as const),
      budgetTokens: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(10_000)),
      waits: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

/** Which of the two ends an answer had is not known of a server that does not tell. */
const anyEnd = ({ ids, ...rest }: Generation): Generation => ({ ...rest, ids: ids.map((id) => (id === 3 ? 2 : id)) });

const SERVERS: Readonly<Record<string, Manners>> = {
  vLLM: VLLM,
  "one that tells no stop ids": { ...VLLM, tellsStops: false },
  "one without min_tokens": { ...VLLM, holdsBackStops: false },
  "one that never stops": { ...VLLM, stops: false, holdsBackStops: false },
  "one without extra fields": { ...VLLM, takesExtras: false },
  "one of text alone": { ...VLLM, takesIds: false, returnsIds: false, takesExtras: false, holdsBackStops: false },
  "one that takes ids and returns text": { ...VLLM, returnsIds: false, holdsBackStops: false },
  "transformers serve": TRANSFORMERS_SERVE,
};

/** A fault: each request is answered so. */
const answering =
  (status: number, body: string) =>
  (_: number, response: ServerResponse): boolean => {
    response.writeHead(status).end(body);
    return true;
  };

describe("a completions server as a source of segments", () => {
  it.each(Object.entries(SERVERS))("%s gives what the plain decoder gives", async (_, manners) => {
    const runtime = await open(await start(manners));
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 3 }), async (rows) => {
        const plain = await decodeRows(plainSource(), rows, { delimiters });
        const remote = await decodeSegments(runtime, rows, { delimiters, concurrency: 3 });
        expect(remote.map((row) => row.map(anyEnd))).toEqual(plain.map((row) => row.map(anyEnd)));
      }),
      { numRuns: 40 },
    );
    expect(runtime.brokenSeams()).toBe(0);
  });

  it.each([
    ["vLLM", { dialect: "ids", takesExtras: true, stops: true, holdsBackStops: true, forbidsIds: true }, 0],
    ["one that never stops", { dialect: "ids", stops: false, holdsBackStops: false, forbidsIds: true }, 1],
    ["one of text alone", { dialect: "text", takesExtras: false, holdsBackStops: false, forbidsIds: true }, 2],
    ["one that takes ids and returns text", { dialect: "text", takesExtras: true }, 1],
    ["transformers serve", { dialect: "text", forbidsIds: true, holdsBackStops: true, readsGenerationConfig: true }, 1],
  ])("finds out what %s can do, and says what it cannot", async (name, abilities, lacks) => {
    const runtime = await open(await start(SERVERS[name]));
    expect(runtime.abilities).toMatchObject(abilities);
    expect(runtime.lacks).toHaveLength(lacks);
  });

  it.each(["one of text alone", "transformers serve"])(
    "finds out that %s forbids ids where a student would open its thinking at once, spelled out or hidden",
    async (name) => {
      const starts = Array.from({ length: 200 }, (_, k) => [4 + (k % 20), 4 + Math.floor(k / 20)]);
      const probeIds = starts.find((ids) => hashedToken(ids, []) < 4);
      const runtime = await open(await start(SERVERS[name]), { probeIds });
      expect(runtime.abilities).toMatchObject({ forbidsIds: true, stops: true });
    },
  );

  it("says that a server cannot forbid, and still ends every row", async () => {
    const runtime = await open(await start({ ...VLLM, forbids: false, holdsBackStops: false }));
    expect(runtime.lacks.join()).toMatch(/cannot forbid tokens/);
    const rows = [
      {
        promptIds: [4],
        answerTokens: 5,
        sampling: { temperature: 0, key: "" },
        settings: [{ mode: "direct" as const, budgetTokens: 0, waits: 0 }],
      },
    ];
    // A padding id that cannot be forbidden ends in an error, any other reply in a generation.
    const result = await decodeSegments(runtime, rows, { delimiters, concurrency: 1 }).catch((error: unknown) => error);
    expect(Array.isArray(result) ? result[0] : result).toMatchObject(
      Array.isArray(result) ? [{ end: "direct" }] : { code: "provider-permanent" },
    );
  });

  it("turns off what the model's own configuration would do to greedy choices", async () => {
    const server = await start();
    const runtime = await open(server);
    await runtime.write(
      {
        ids: [5, 6],
        maxTokens: 9,
        stopIds: [1, 2, 3],
        mayNotStopFirst: true,
        forbidden: [],
        sampling: { temperature: 0, key: "" },
      },
      undefined,
    );
    expect(server.bodies.at(-1)).toEqual({
      model: "student",
      prompt: [5, 6],
      max_tokens: 9,
      min_tokens: 1,
      temperature: 0,
      stream: false,
      top_p: 1,
      top_k: -1,
      min_p: 0,
      repetition_penalty: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      skip_special_tokens: false,
      return_token_ids: true,
      stop_token_ids: [1, 2, 3],
      ignore_eos: true,
    });
  });

  it("draws with a seed of row and place", async () => {
    const server = await start();
    const runtime = await open(server);
    const request = { maxTokens: 1, stopIds: [1], mayNotStopFirst: false, forbidden: [] };
    for (const [key, ids] of [
      ["a", [5]],
      ["a", [5]],
      ["a", [5, 6]],
      ["b", [5]],
    ] as const)
      await runtime.write({ ...request, ids, sampling: { temperature: 1, key } }, undefined);
    const [first, again, further, other] = server.bodies.slice(-4).map(({ seed }) => seed);
    expect(again).toBe(first);
    expect(new Set([first, further, other]).size).toBe(3);
  });

  it("tries again where a connection breaks or the server is busy, and gives up in the end", async () => {
    const rows: RowRequest[] = [
      {
        promptIds: [4, 9],
        answerTokens: 3,
        sampling: { temperature: 0, key: "" },
        settings: [{ mode: "think", budgetTokens: 12, waits: 1 }],
      },
    ];
    const plain = await decodeRows(plainSource(), rows, { delimiters });
    let asked = 0;
    const faulty = await start(VLLM, (_, response) => {
      if (++asked % 3 === 0) return false;
      if (asked % 3 === 1) response.destroy();
      else response.writeHead(503).end("overloaded");
      return true;
    });
    const runtime = await open(faulty);
    expect(await decodeSegments(runtime, rows, { delimiters, concurrency: 1 })).toEqual(plain);
    const dead = await start(VLLM, answering(500, "no"));
    await expect(open(dead, { maxTries: 3 })).rejects.toMatchObject({ code: "provider" });
    expect(dead.bodies).toHaveLength(3);
  });

  it.each<[string, Manners, object]>([
    ["one of text that forbids", SERVERS["one of text alone"]!, { forbidsIds: true, readsGenerationConfig: false }],
    ["one of text that does not", { ...SERVERS["one of text alone"]!, forbids: false }, { forbidsIds: false }],
    ["transformers serve", TRANSFORMERS_SERVE, { forbidsIds: true, readsGenerationConfig: true }],
    ["vLLM", VLLM, { forbidsIds: true, stops: true, holdsBackStops: true }],
    ["one that cannot forbid", { ...VLLM, forbids: false, holdsBackStops: false }, { forbidsIds: false, stops: true }],
  ])("finds out what %s can do, whatever its model goes on with after the probe", async (_, manners, abilities) => {
    // Among these models are some whose token after the probe is one of the probe's own.
    for (let seed = 0; seed < 60; seed++)
      expect((await open(await start({ ...manners, seed }))).abilities, `model ${seed}`).toMatchObject(abilities);
  });

  it("refuses at once what no retry mends, without showing the key", async () => {
    const apiKey = "secret-key-of-many-letters";
    const closed = await start(VLLM, answering(401, `bad key ${apiKey}`));
    const refused = open(closed, { apiKey });
    await expect(refused).rejects.toMatchObject({ code: "provider-permanent" });
    await expect(refused).rejects.not.toThrow(apiKey);
    expect(closed.bodies).toHaveLength(1);
    await expect(open(closed, { baseUrl: "vllm:8000" })).rejects.toMatchObject({ code: "usage" });
    const textOnly = await start(SERVERS["one of text alone"]);
    await expect(open(textOnly, { codec: undefined })).rejects.toMatchObject({ code: "provider-permanent" });
  });

  it("takes no reply that is none", async () => {
    const wrong = await start(VLLM, answering(200, '{"choices":[]}'));
    await expect(open(wrong, { maxTries: 2 })).rejects.toThrow(/no completion/);
    const huge = await start(VLLM, answering(200, "x".repeat(2000)));
    await expect(open(huge, { limits: { maxBodyBytes: 1000 } })).rejects.toThrow(/exceeds 1000 bytes/);
  });
});

describe("a reply in text", () => {
  it("says where text encoded whole is other than its parts", async () => {
    const { tokenizer } = await readModelFolder("models/demo-base");
    const { imEnd } = tokenizer.controlIds;
    const request = (text: string) => ({
      ids: tokenizer.encodeControl(text),
      maxTokens: 9,
      stopIds: [imEnd],
      mayNotStopFirst: false,
      forbidden: [],
      sampling: { temperature: 0, key: "" },
    });
    const reply = (text: string, finishReason = "length") => ({
      text,
      finishReason,
      stopReason: undefined,
      tokenIds: undefined,
    });
    const merging = mergingPair(tokenizer);
    expect(textReply(reply(merging[1]), request(merging[0]), tokenizer).isSeamWhole).toBe(false);
    const whole = textReply(reply(" 12"), request("<|im_start|>think\n"), tokenizer);
    expect(whole).toMatchObject({ isSeamWhole: true, reply: { end: "length", ids: tokenizer.encodeUser(" 12") } });
    // A stop's spelling ends the reply; what a server wrote after it is not read, and never as a control token.
    const stopped = textReply(reply("8<|im_end|><|im_start|>x"), request("a"), tokenizer);
    expect(stopped.reply).toEqual({ ids: tokenizer.encodeUser("8"), end: "stop" });
    expect(textReply(reply("<|im_start|>"), request("a"), tokenizer).reply.ids).not.toContain(
      tokenizer.controlIds.imStart,
    );
    expect(textReply(reply("8\uFFFD"), request("a"), tokenizer).reply.ids).toEqual(tokenizer.encodeUser("8"));
    expect(textReply(reply(""), request("a"), tokenizer).reply).toEqual({ ids: [], end: "stop" });
  });
});

/** Two texts whose join has another encoding than the two. */
function mergingPair(tokenizer: {
  encodeUser(text: string): number[];
  decode(ids: number[]): string;
}): [string, string] {
  for (const word of ["Answer", "answer", "think", "Wait", "Final", "steps"]) {
    if (tokenizer.encodeUser(word).length === 1) return [word.slice(0, 2), word.slice(2)];
  }
  throw new Error("no word of one token");
}
