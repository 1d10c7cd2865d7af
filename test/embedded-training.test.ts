/** @file The train stage on the embedded engine: every method and precision, stopped in the middle and taken up again. */
import { mkdtempSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EngineHost, openEngine } from "../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../src/adapters/model-folder.ts";
import { prng } from "../src/core/prng.ts";
import type { Stage, StageContext } from "../src/pipeline/stage.ts";
import { trainStage } from "../src/pipeline/stages/train.ts";
import { Recipe } from "../src/schema/recipe.ts";
import { SCHEMA_VERSION } from "../src/schema/records.ts";
import { decodeSafetensors } from "../src/student/checkpoint/safetensors.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

const WORLD = { secrets: () => undefined, readKeyFile: () => "", prices: [], acceptedTerms: [] } as never;
const EPOCHS = 3;
const EXAMPLES = 12;

let folder: string;
let engine: EngineHost;
let stage: Stage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-train-"));
  await writeTinyStudent(join(folder, "base"));
  engine = await openEngine({ threads: 1, memoryBytes: 1 << 20 });
  stage = trainStage(() => Promise.resolve(engine), WORLD);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const recipeWith = (train: object) => {
  const tiny = tinyRecipe("base") as { train: object };
  const settings = { ...tiny.train, epochs: EPOCHS, batchSize: 4, checkpointEverySteps: 2, learningRate: 3e-3 };
  return Recipe.parse({ ...tiny, train: { ...settings, ...train } });
};

function tokenized(file: string): unknown[] {
  const random = prng("embedded training");
  if (file.startsWith("order"))
    return Array.from({ length: EPOCHS }, (_, epoch) => ({
      schemaVersion: SCHEMA_VERSION,
      epoch,
      examples: Array.from({ length: EXAMPLES }, (_each, i) => (i * 5 + epoch) % EXAMPLES),
    }));
  return Array.from({ length: EXAMPLES }, () => {
    const inputIds = Array.from({ length: random.int(8, 40) }, () => random.int(0, 99));
    return { inputIds, labels: inputIds };
  });
}

/** Trains, and stops after `stopAfter` steps if that is given. */
async function train(recipe: Recipe, name: string, stopAfter = Infinity): Promise<void> {
  const stop = new AbortController();
  const output = join(folder, name);
  await mkdir(join(output, "work"), { recursive: true });
  const rows: { [file: string]: unknown[] } = {};
  const context = {
    recipe,
    baseFolder: join(folder, "base"),
    signal: stop.signal,
    workFolder: join(output, "work"),
    input: () => ({
      manifest: { outputHash: "fixed" },
      readRows: (file: string) => Promise.resolve(tokenized(file)),
    }),
    output: {
      path: (file: string) => join(output, file),
      writeRows: (file: string, lines: Iterable<unknown>) => Promise.resolve(void (rows[file] = [...lines])),
    },
    progress: ({ done }: { done: number }) => done === stopAfter && stop.abort(new Error("stopped")),
    measure: () => undefined,
    warn: () => undefined,
  } as unknown as StageContext;
  const done = stage.run(context);
  if (stopAfter === Infinity) expect((await done).notes).toMatchObject({ steps: 9 });
  else await expect(done).rejects.toThrow("stopped");
  if (stopAfter === Infinity) expect(rows["losses.jsonl"]).toHaveLength(9);
}

async function bytesOf(name: string): Promise<Record<string, Buffer>> {
  const root = join(folder, name, "student");
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const read = files.map(async (file) => {
    const path = join(file.parentPath, file.name);
    return [path.slice(root.length + 1), await readFile(path)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

describe.each([
  ["all of it in f32", {}],
  ["all of it, stored in bf16", { precision: "bf16" }],
  ["adapters", { method: "lora", lora: { rank: 3, alpha: 12 } }],
  ["adapters on bf16", { method: "lora", precision: "bf16", lora: { rank: 3, alpha: 12 } }],
] as const)("%s", (name, method) => {
  test("a run stopped between checkpoints ends in the bytes of one that was not", async () => {
    const recipe = recipeWith(method);
    await train(recipe, `${name}/whole`);
    await train(recipe, `${name}/stopped`, 5);
    await train(recipe, `${name}/stopped`);
    const [whole, resumed] = [await bytesOf(`${name}/whole`), await bytesOf(`${name}/stopped`)];
    expect(Object.keys(whole).includes("adapter/adapter_model.safetensors")).toBe("lora" in method);
    expect(resumed).toEqual(whole);

    const student = await readModelFolder(join(folder, name, "whole/student"));
    const base = await readModelFolder(join(folder, "base"));
    const isBf16 = "precision" in method;
    for (const [tensor, { data }] of student.tensors) {
      expect(data instanceof Uint16Array, tensor).toBe(isBf16);
      if (tensor.endsWith("q_proj.weight")) expect(data).not.toEqual(base.tensors.get(tensor)!.data);
    }
    expect(JSON.parse(whole["config.json"]!.toString())).toMatchObject({ dtype: isBf16 ? "bfloat16" : "float32" });
  });
});

test("adapters leave embedding, norms and biases as they are", async () => {
  const student = await readModelFolder(join(folder, "adapters/whole/student"));
  const base = await readModelFolder(join(folder, "base"));
  for (const [name, tensor] of base.tensors)
    if (!name.endsWith("_proj.weight")) expect(student.tensors.get(name), name).toEqual(tensor);
  const adapter = decodeSafetensors(
    await readFile(join(folder, "adapters/whole/student/adapter/adapter_model.safetensors")),
  );
  expect(adapter.size).toBe(2 * 7 * 2);
});

test("what PyTorch alone can do is refused before anything runs", async () => {
  await expect(stage.check!(recipeWith({ method: "qlora" }))).rejects.toThrow(
    /qlora: the embedded engine has no 4-bit/,
  );
  await expect(stage.check!(recipeWith({ method: "lora", lora: { dropout: 0.1 } }))).rejects.toThrow(/dropout is 0\.1/);
  await expect(stage.check!(recipeWith({ method: "lora" }))).resolves.toBeUndefined();
});

test("an old recipe's weights depend on what they depended on before, a new one's on the method too", () => {
  const keys = (train: object): string[] => Object.keys(stage.config(recipeWith(train)) as object);
  const before = keys({});
  expect(before).not.toContain("method");
  expect(keys({ precision: "f32" })).toEqual(before);
  expect(keys({ precision: "bf16" }).filter((key) => !before.includes(key))).toEqual(["precision"]);
  expect(keys({ method: "lora" }).filter((key) => !before.includes(key))).toEqual(["method", "lora"]);
});
