import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { StudentConfig } from "../../student/checkpoint/student-config.ts";
import { initialTensors } from "../../student/parameters.ts";
import type { EngineOptions } from "./engine-protocol.ts";
import { openTokenSource } from "./engine-token-source.ts";
import { type EngineHost, openEngine } from "./open-engine.ts";

const CONFIG: StudentConfig = {
  vocabularySize: 48,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 128,
  isTied: true,
};
const MODEL = { config: CONFIG, tensors: initialTensors(CONFIG, 5) };
const STEP = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradientNorm: 1,
  lossReduction: "token",
} as const;
const BATCH = [40, 7, 90, 33].map((length, row) => {
  const inputIds = Array.from({ length }, (_, i) => (row * 7 + i * 5) % 48);
  return { inputIds, labels: inputIds };
});
const OPTIONS: EngineOptions = { threads: 1, memoryBytes: 64 << 20 };

const open: EngineHost[] = [];
const opened = async (
  options: Partial<EngineOptions> = {},
  ...rest: [] | [() => Promise<Worker>]
): Promise<EngineHost> => {
  const engine = await openEngine({ ...OPTIONS, ...options }, ...rest);
  open.push(engine);
  return engine;
};
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});

/** Three training steps, then greedy decoding of two slots with the trained weights. */
async function trainAndDecode(engine: EngineHost) {
  await engine.loadTrainer(MODEL);
  const losses: number[] = [];
  for (let step = 1; step <= 3; step++) losses.push((await engine.trainStep(BATCH, { ...STEP, step })).loss);
  const { tensors } = await engine.exportTrainer();
  const source = await openTokenSource(
    engine,
    { config: CONFIG, tensors },
    { slots: 3, contextTokens: 64, choosableIds: 40 },
  );
  const sampling = { temperature: 0, key: "" };
  const tokens: number[] = [];
  let rows = [0, 2].map((slot) => ({ slot, ids: [slot + 1, 9, 11], forbidden: [0], sampling }));
  for (let i = 0; i < 12; i++) {
    const chosen = [...(await source.extend(rows))];
    tokens.push(...chosen);
    rows = rows.map((row, at) => ({ ...row, ids: [chosen[at]!] }));
  }
  return { losses, tensors, tokens };
}

describe("engine host", () => {
  test("bytes and tokens are equal for any number of threads, in a thread of its own or inline", async () => {
    const one = await trainAndDecode(await opened());
    const two = await trainAndDecode(await opened({ threads: 2 }));
    const inline = await opened({}, () => Promise.reject(new Error("no threads on this host")));
    expect((await inline.describe()).notes.join()).toMatch(/no worker threads/);
    expect(two).toEqual(one);
    expect(await trainAndDecode(inline)).toEqual(one);
    expect((await (await opened()).describe()).kernelBuild).toMatch(/^wasm-/);
  });

  test("the reference kernels agree within their tolerance", async () => {
    const fast = await trainAndDecode(await opened());
    const slow = await trainAndDecode(await opened({ build: "reference" }));
    slow.losses.forEach((loss, i) => expect(loss).toBeCloseTo(fast.losses[i]!, 4));
    expect(slow.tokens).toEqual(fast.tokens);
  });

  test("ids that the tokenizer lacks and forbidden ids are never chosen", async () => {
    const { tokens } = await trainAndDecode(await opened());
    expect(Math.max(...tokens)).toBeLessThan(40);
    expect(tokens).not.toContain(0);
  });

  test("the caller's thread stays alive while the engine works", async () => {
    const engine = await opened();
    await engine.loadTrainer(MODEL);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const long = Array.from({ length: 24 }, () => BATCH).flat();
    for (let step = 1; step <= 5; step++) await engine.trainStep(long, { ...STEP, step });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(10);
  });

  test("errors keep their code across the thread, and the engine goes on", async () => {
    const engine = await opened();
    await engine.loadDecoder(MODEL, { slots: 1, contextTokens: 8, choosableIds: 48 });
    await expect(engine.logits([{ slot: 0, ids: [1, 2, 3, 4, 5, 6, 7, 8, 9] }])).rejects.toMatchObject({
      code: "limit-exceeded",
    });
    expect((await engine.logits([{ slot: 0, ids: [1] }]))[0]).toHaveLength(48);
    await expect(opened({ memoryBytes: 1 }).then((small) => small.describe())).rejects.toMatchObject({
      code: "limit-exceeded",
    });
  });

  test("a closed or dead engine refuses instead of hanging", async () => {
    const engine = await opened();
    await engine.close();
    await expect(engine.describe()).rejects.toMatchObject({ code: "engine" });
    const dying = await opened({}, async () => {
      const worker = new Worker("setTimeout(() => process.exit(3), 50)", { eval: true });
      await new Promise((resolve) => worker.once("online", resolve));
      return worker;
    });
    await expect(dying.describe()).rejects.toMatchObject({ code: "engine" });
  });
});
