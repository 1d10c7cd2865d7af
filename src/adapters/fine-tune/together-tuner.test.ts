import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FakeTuning,
  type FakeTuningOptions,
  startFakeTuning,
} from "../../../test/teacher/fakes/fake-together-tuning.ts";
import type { FineTuneOrder, WeightsRequest } from "./fine-tuner.ts";
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

  test("tells a price beforehand, and orders with the same upload", async () => {
    expect(await tuner.quote(ORDER, never)).toEqual({
      microUsd: Math.ceil(24 * 0.54),
      trainedTokens: 24,
      isAllowed: true,
      limitMicroUsd: 100_000_000,
    });
    await tuner.submit(ORDER, never);
    expect(fake.files.size).toBe(1);
  });

  describe("weights", () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "grappa-weights-"));
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    async function completed(method: "full" | "lora"): Promise<WeightsRequest> {
      const { id } = await tuner.submit({ ...ORDER, method }, never);
      for (let looks = 0; looks < 3; looks++) await tuner.poll(id, never);
      return { job: id, method, to: join(folder, "student", "w.tar.zst"), maxBytes: 1e6, onBytes: () => undefined };
    }
    const restart = async (options: Partial<FakeTuningOptions>): Promise<void> => {
      await tuner.close();
      await fake.close();
      fake = await startFakeTuning({ apiKey: KEY, perMillion: 540_000, ...options });
      tuner = open();
    };

    test.each(["full", "lora"] as const)(
      "of a %s fine-tune come from another origin, without the key",
      async (method) => {
        const request = await completed(method);
        await tuner.download(request, never);
        expect(await readFile(request.to)).toEqual(fake.weights);
        expect(await readdir(join(folder, "student"))).toEqual(["w.tar.zst"]);
      },
    );

    test("that break off are gone on with, by this process and by the next", async () => {
      await restart({ storageBreaks: [50_000, 40_000] });
      const request = await completed("full");
      const stop = new AbortController();
      const onBytes = (bytes: number): void => void (bytes > 60_000 && stop.abort());
      await expect(tuner.download({ ...request, onBytes }, stop.signal)).rejects.toMatchObject({ code: "interrupted" });
      await tuner.download(request, never);
      expect(await readFile(request.to)).toEqual(fake.weights);
      const [first, second, third] = fake.ranges.map((range) => Number(/\d+/.exec(range ?? "0")?.[0]));
      expect(first).toBe(0);
      expect(second).toBe(50_000);
      expect(third).toBeGreaterThan(60_000);
    });

    test("that are larger than a model of that size are refused, and those of a job that is not complete", async () => {
      const request = await completed("full");
      await expect(tuner.download({ ...request, maxBytes: 1_000 }, never)).rejects.toMatchObject({
        code: "limit-exceeded",
      });
      const { id } = await tuner.submit({ ...ORDER, epochs: 4 }, never);
      await expect(tuner.download({ ...request, job: id }, never)).rejects.toMatchObject({
        code: "provider-permanent",
      });
    });
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
