import { describe, expect, it } from "vitest";
import { mapAhead } from "./map-ahead.ts";

async function* upTo(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) yield n;
}

describe("mapAhead", () => {
  it("keeps the order, whichever result comes first, and the limit", async () => {
    let open = 0;
    let most = 0;
    const results: number[] = [];
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5));
      open -= 1;
      return n * n;
    };
    for await (const result of mapAhead(upTo(20), 4, work)) results.push(result);
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => n * n));
    expect(most).toBe(4);
  });

  it("ends with the first failure, after what had begun", async () => {
    const ended: number[] = [];
    const work = async (n: number): Promise<number> => {
      if (n === 1) throw new Error("one");
      await new Promise((resolve) => setTimeout(resolve, 2));
      ended.push(n);
      return n;
    };
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const result of mapAhead(upTo(9), 3, work)) seen.push(result);
      })(),
    ).rejects.toThrow("one");
    expect(seen).toEqual([0]);
    expect(new Set(ended)).toEqual(new Set([0, 2, 3]));
  });

  it("gives what came before its source failed, then the failure", async () => {
    async function* failing(): AsyncGenerator<number> {
      yield* upTo(5);
      throw new Error("source");
    }
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const result of mapAhead(failing(), 32, async (n) => n)) seen.push(result);
      })(),
    ).rejects.toThrow("source");
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});
