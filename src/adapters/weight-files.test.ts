import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { roundToBf16 } from "../student/checkpoint/bf16.ts";
import { encodeSafetensors, type StoredTensors } from "../student/checkpoint/safetensors.ts";
import { readWeights } from "./weight-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-weights-"));
});
afterEach(() => rm(folder, { recursive: true }));

const tensor = (length: number, seed: number) => ({
  shape: [length],
  data: Float32Array.from({ length }, (_, i) => Math.sin(seed + i)),
});
const FIRST: StoredTensors = new Map([
  ["a", tensor(5, 1)],
  ["b", tensor(3, 2)],
]);
const SECOND: StoredTensors = new Map([["c", { shape: [4], data: roundToBf16(tensor(4, 3).data) }]]);
const MAP = { a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" };

async function writeShards(map: Record<string, string> = MAP): Promise<void> {
  await writeFile(join(folder, "one.safetensors"), encodeSafetensors(FIRST));
  await writeFile(join(folder, "two.safetensors"), encodeSafetensors(SECOND));
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: map }));
}

describe("weights in shards", () => {
  it("are read together, bf16 as it is, and named by all of their bytes", async () => {
    await writeShards();
    const { tensors, weightHash } = await readWeights(folder);
    expect(tensors).toEqual(new Map([...FIRST, ...SECOND]));
    await writeFile(join(folder, "two.safetensors"), encodeSafetensors(new Map([["c", tensor(4, 3)]])));
    expect((await readWeights(folder)).weightHash).not.toBe(weightHash);
  });

  it.each([
    ["a tensor that no shard has", { ...MAP, d: "one.safetensors" }, /d is not in one\.safetensors/],
    ["a tensor in another shard", { ...MAP, b: "two.safetensors" }, /b stands in one\.safetensors/],
    ["a shard outside the folder", { ...MAP, c: "../two.safetensors" }, /not an index/],
    ["a shard with a path", { ...MAP, c: "x/two.safetensors" }, /not an index/],
  ])("are refused when the index names %s", async (_, map, message) => {
    await writeShards(map);
    await expect(readWeights(folder)).rejects.toMatchObject({
      code: "checkpoint-corrupt",
      message: expect.stringMatching(message) as string,
    });
  });

  it("are refused when one is missing", async () => {
    await writeShards();
    await rm(join(folder, "two.safetensors"));
    await expect(readWeights(folder)).rejects.toMatchObject({
      message: expect.stringContaining("two.safetensors") as string,
    });
  });
});
