import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeTuning, startFakeTuning } from "../../../test/teacher/fakes/fake-together-tuning.ts";
import type { FineTuneOrder } from "./fine-tuner.ts";
import { TogetherTuner } from "./together-tuner.ts";

const KEY = "key-of-a-test-0123456789";
const never = new AbortController().signal;
const line = JSON.stringify({
  messages: [
    { role: "user", content: "1+1?" },
    { role: "assistant", reasoning_content: "one and one", content: "2" },
  ],
});
const ORDER: FineTuneOrder = {
  name: "grappa-0123456789abcdef",
  base: "Qwen/Qwen3-8B",
  method: "full",
  epochs: 3,
  batchSize: 16,
  learningRate: 1e-5,
  warmupShare: 0.05,
  weightDecay: 1e-4,
  maxGradientNorm: 1,
  examples: Buffer.from(`${line}\n${line}\n`),
};

let fake: FakeTuning;
let tuner: TogetherTuner;

const open = (apiKey = KEY): TogetherTuner =>
  new TogetherTuner({
    baseUrl: fake.baseUrl,
    apiKey,
    headers: { authorization: `Bearer ${apiKey}` },
    called: "Together",
  });

beforeEach(async () => {
  fake = await startFakeTuning({ apiKey: KEY, perMillion: 540_000 });
  tuner = open();
});
afterEach(async () => {
  await tuner.close();
  await fake.close();
});

describe("TogetherTuner", () => {
  test("uploads, starts, finds by name, and watches a job to its end and price", async () => {
    expect(await tuner.find(ORDER.name, never)).toEqual([]);
    const { id, state } = await tuner.submit(ORDER, never);
    expect(state).toEqual({ type: "running", phase: "pending", step: 0, totalSteps: 10 });
    expect(fake.files.get("file-0")).toBe(`${line}\n${line}\n`);
    expect(await tuner.find(ORDER.name, never)).toMatchObject([{ id }]);
    expect(await tuner.poll(id, never)).toMatchObject({ trainedTokens: null, billedMicroUsd: null });
    expect(await tuner.poll(id, never)).toMatchObject({ state: { type: "running", step: 2 }, trainedTokens: 24 });
    // Two examples of 16 characters, 4 a token, 3 epochs; $0.54 a million.
    expect(await tuner.poll(id, never)).toEqual({
      id,
      state: { type: "completed", model: `acme/Qwen3-8B-${ORDER.name}-0a1b2c3d` },
      trainedTokens: 24,
      billedMicroUsd: Math.ceil(24 * 0.54),
    });
    expect(fake.billed).toEqual({ jobs: 1, trainedTokens: 24, microUsd: 13 });
  });

  test("a job of another name is none of ours; one that was stopped still is, with its price where it is looked at", async () => {
    const { id } = await tuner.submit(ORDER, never);
    expect(await tuner.find("grappa-other", never)).toEqual([]);
    await tuner.cancel(id, never);
    const cancelled = { id, state: { type: "cancelled" } };
    expect(await tuner.find(ORDER.name, never)).toMatchObject([{ ...cancelled, billedMicroUsd: null }]);
    expect(await tuner.poll(id, never)).toMatchObject({ ...cancelled, billedMicroUsd: 7 });
  });

  test("a bad key is refused for good, and stands in no message", async () => {
    const wrong = open(`${KEY}-wrong`);
    const error = await wrong.submit(ORDER, never).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      fault: "run-refused",
      message: expect.stringContaining("fine-tuning API answered HTTP 401"),
    });
    expect(String(error)).not.toContain(KEY);
    await wrong.close();
  });

  test("an order that the provider does not take tells why", async () => {
    await expect(tuner.submit({ ...ORDER, epochs: 21 }, never)).rejects.toThrow(/n_epochs/);
    expect(fake.billed.jobs).toBe(0);
  });
});
