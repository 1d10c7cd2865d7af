import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors, type NamedTensors } from "../../student/checkpoint/safetensors.ts";
import { floatsOf } from "../../student/export/weight-types.ts";
import { mergedWeights } from "./merged-weights.ts";
import { openWeightFiles, openWeights, stretches } from "./weight-source.ts";
import { writeShards } from "./write-shards.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-weights-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tensors: NamedTensors = new Map([
  ["a", { shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, at) => at / 8) }],
  ["b", { shape: [5], data: Float32Array.of(1, 2, 3, 4, 5) }],
  ["c", { shape: [2, 2], data: Float32Array.of(-1, 0.1, 7, 0) }],
]);
const save = (name: string, named: NamedTensors = tensors): void =>
  writeFileSync(join(folder, name), encodeSafetensors(named));
const rest = { signal: new AbortController().signal, progress: () => undefined };

test("rows are read where they lie", async () => {
  save("model.safetensors");
  const source = await openWeights(folder);
  expect([...source.tensors.keys()]).toEqual(["a", "b", "c"]);
  expect([...floatsOf(await source.read("a", 1, 2))]).toEqual([3, 4, 5, 6, 7, 8].map((value) => value / 8));
  expect([...floatsOf(await source.read("b", 3, 2))]).toEqual([4, 5]);
  await source.close();
});

test("written in shards and read again by their index; the same with a type of its own", async () => {
  save("model.safetensors");
  const source = await openWeights(folder);
  const [out, halves] = [join(folder, "out"), join(folder, "halves")];
  const written = await writeShards(out, { source, type: null, leftOut: new Set(["b"]), shardBytes: 50, ...rest });
  expect(written.map(({ path }) => path)).toEqual([
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
  ]);
  const shards = await openWeights(out);
  expect([...shards.tensors.keys()].sort()).toEqual(["a", "c"]);
  expect(floatsOf(await shards.read("c", 0, 2))).toEqual(tensors.get("c")?.data);
  await writeShards(halves, { source: shards, type: "bf16", leftOut: new Set(), shardBytes: 1e9, ...rest });
  const half = decodeSafetensors(readFileSync(join(halves, "model.safetensors")));
  expect(half.get("a")?.data).toEqual(tensors.get("a")?.data); // eighths are whole in bf16
  expect(half.get("c")?.data[1]).toBeCloseTo(0.1, 3);
  expect(readdirSync(halves)).toEqual(["model.safetensors"]);
  await Promise.all([source.close(), shards.close()]);
});

test.each([
  ["another folder's file", { weight_map: { a: "../model.safetensors" } }, "is no index of shards"],
  ["nothing", { weight_map: {} }, "is no index of shards"],
  [
    "a tensor that is not there",
    { weight_map: { a: "one.safetensors", z: "one.safetensors" } },
    "names z, which no shard holds",
  ],
])("an index that names %s is refused", async (_, index, message) => {
  save("one.safetensors");
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
  await expect(openWeights(folder)).rejects.toMatchObject({
    code: "checkpoint-corrupt",
    message: expect.stringContaining(message),
  });
});

test("a file that is cut off is refused when it is opened, and one without weights says what is missing", async () => {
  await expect(openWeights(folder)).rejects.toMatchObject({ code: "model-missing" });
  save("model.safetensors");
  truncateSync(join(folder, "model.safetensors"), readFileSync(join(folder, "model.safetensors")).length - 4);
  await expect(openWeights(folder)).rejects.toThrow("truncated");
  truncateSync(join(folder, "model.safetensors"), 5);
  await expect(openWeights(folder)).rejects.toThrow("truncated");
});

test("a write that fails leaves nothing under the name, and nothing beside it", async () => {
  save("model.safetensors");
  const source = await openWeights(folder);
  const stopping = new AbortController();
  const stopped = writeShards(join(folder, "out"), {
    source,
    type: "f16",
    leftOut: new Set(),
    shardBytes: 1e9,
    signal: stopping.signal,
    progress: () => stopping.abort(new Error("stop")),
  });
  await expect(stopped).rejects.toThrow("stop");
  expect(readdirSync(join(folder, "out"))).toEqual([]);
  await source.close();
});

test("an adapter is merged row by row as it is all at once", async () => {
  save("model.safetensors", new Map([["m.weight", { shape: [4, 3], data: new Float32Array(12).fill(1) }]]));
  save(
    "adapter.safetensors",
    new Map([
      ["base_model.model.m.lora_A.weight", { shape: [1, 3], data: Float32Array.of(1, 2, 3) }],
      ["base_model.model.m.lora_B.weight", { shape: [4, 1], data: Float32Array.of(0, 1, 2, 3) }],
    ]),
  );
  const merged = mergedWeights(await openWeights(folder), await openWeightFiles(folder, ["adapter.safetensors"]), {
    alpha: 2,
    isRankStabilised: false,
    base: null,
  });
  const whole = [...floatsOf(await merged.read("m.weight", 0, 4))];
  const rows = [];
  for (let row = 0; row < 4; row++) rows.push(...floatsOf(await merged.read("m.weight", row, 1)));
  expect(whole).toEqual([1, 1, 1, 3, 5, 7, 5, 9, 13, 7, 13, 19]);
  expect(rows).toEqual(whole);
  await merged.close();
});

test("stretches cover every row once, in multiples where heads stay together", () => {
  const tensor = { shape: [1000, 10_000], dtype: "F32" } as const;
  const all = [...stretches(tensor, 128)];
  expect(all.reduce((sum, { rows }) => sum + rows, 0)).toBe(1000);
  for (const { first, rows } of all) expect([first % 128, rows <= 209]).toEqual([0, true]);
  expect([...stretches({ shape: [2, 1e8], dtype: "F32" })]).toHaveLength(2);
});
