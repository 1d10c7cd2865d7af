import { mkdtempSync } from "node:fs";
import { mkdir, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import type { StudentConfig } from "../student/checkpoint/student-config.ts";
import { studentTensorShapes } from "../student/checkpoint/student-tensors.ts";
import type { NamedTensors } from "../student/checkpoint/safetensors.ts";
import { readModelFolder, readTokenizerFolder, writeModelFolder } from "./model-folder.ts";

const BASE = "models/demo-base";
const config: StudentConfig = {
  vocabularySize: 304,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headSize: 4,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 1024,
  isTied: true,
};

function randomTensors(): NamedTensors {
  const random = prng("model-folder.test");
  return new Map(
    [...studentTensorShapes(config)].map(([name, shape]) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      return [name, { shape, data: Float32Array.from({ length }, () => random.normal()) }];
    }),
  );
}

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "grappa-model-")), "student");
});
afterEach(async () => {
  await rm(join(folder, ".."), { recursive: true });
});

const write = (changes: Partial<Parameters<typeof writeModelFolder>[1]> = {}) =>
  writeModelFolder(folder, {
    config,
    tensors: randomTensors(),
    tokenizerFrom: BASE,
    readme: "# A student\n",
    ...changes,
  });

describe("a student's folder", () => {
  it("is read as it was written", async () => {
    const { weightHash } = await write();
    const model = await readModelFolder(folder);
    expect(model.config).toEqual(config);
    expect(model.tensors).toEqual(randomTensors());
    expect(model.weightHash).toBe(weightHash);
    expect(model.tokenizerHash).toBe((await readTokenizerFolder(BASE)).tokenizerHash);
    expect(model.chatTemplate.renderText([{ role: "user", content: "q" }])).toContain("<|im_start|>user\nq<|im_end|>");
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe("# A student\n");
    expect(JSON.parse(await readFile(join(folder, "generation_config.json"), "utf8"))).toEqual({
      do_sample: false,
      eos_token_id: [297, 295],
      pad_token_id: 298,
    });
  });

  it("says how it thinks only where its tokenizer does not", async () => {
    expect((await readTokenizerFolder(BASE)).style).toBe("s1");
    const qwen3 = "fixtures/tokenizers/qwen3";
    expect((await readTokenizerFolder(qwen3)).style).toBe("think");
    const larger = { ...config, vocabularySize: 416 };
    const [embedding = ""] = studentTensorShapes(larger).keys();
    const tensors = new Map(randomTensors()).set(embedding, { shape: [416, 8], data: new Float32Array(416 * 8) });
    await write({ config: larger, tensors, tokenizerFrom: qwen3, style: "s1" });
    expect(JSON.parse(await readFile(join(folder, "thinking.json"), "utf8"))).toEqual({ style: "s1" });
    expect((await readModelFolder(folder)).style).toBe("s1");
    await write({ config: larger, tensors, tokenizerFrom: folder });
    expect((await readModelFolder(folder)).style).toBe("s1");
    await write({ config: larger, tensors, tokenizerFrom: qwen3 });
    expect(await readdir(folder)).not.toContain("thinking.json");
    await writeFile(join(folder, "thinking.json"), '{"style": "loud"}');
    await expect(readModelFolder(folder)).rejects.toMatchObject({ code: "tokenizer-corrupt" });
  });

  it("has nothing in it but its files, and the same bytes each time", async () => {
    await write();
    const names = (await readdir(folder)).sort();
    expect(names).toEqual([
      "README.md",
      "chat_template.jinja",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const read = () => Promise.all(names.map((name) => readFile(join(folder, name))));
    const first = await read();
    await write();
    expect(await read()).toEqual(first);
  });

  it("is left alone when tensors and config do not fit", async () => {
    await write();
    await expect(write({ config: { ...config, layers: 2 } })).rejects.toMatchObject({ code: "checkpoint-corrupt" });
    await expect(readModelFolder(folder)).resolves.toMatchObject({ config });
  });

  it("is not taken for whole when writing stopped before its end", async () => {
    await write();
    // A folder in the card's place: writing fails after the weights are in.
    await rm(join(folder, "README.md"));
    await mkdir(join(folder, "README.md", "in-the-way"), { recursive: true });
    await expect(write()).rejects.toMatchObject({ code: expect.stringMatching(/^file-/) });
    await expect(readModelFolder(folder)).rejects.toMatchObject({
      code: "model-missing",
      data: { part: "config.json" },
    });
  });

  it("keeps the tokenizer when it is written over itself", async () => {
    await write();
    const { weightHash } = await write({ tokenizerFrom: folder });
    expect((await readModelFolder(folder)).weightHash).toBe(weightHash);
  });
});

describe("a folder that cannot be used", () => {
  it("is named when it is missing", async () => {
    await expect(readModelFolder(folder)).rejects.toMatchObject({
      code: "model-missing",
      message: expect.stringContaining(folder),
      hint: expect.stringContaining("demo-base"),
    });
  });

  it.each([
    ["config.json", "model-missing"],
    ["model.safetensors", "model-missing"],
    ["tokenizer.json", "tokenizer-corrupt"],
    ["tokenizer_config.json", "tokenizer-corrupt"],
    ["chat_template.jinja", "tokenizer-corrupt"],
  ])("is refused without %s", async (name, code) => {
    await write();
    await rm(join(folder, name));
    await expect(readModelFolder(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(folder) });
  });

  it.each([
    ["config.json", "checkpoint-corrupt"],
    ["model.safetensors", "checkpoint-corrupt"],
    ["tokenizer.json", "tokenizer-corrupt"],
    ["tokenizer_config.json", "tokenizer-corrupt"],
  ])("is refused with %s cut in half", async (name, code) => {
    await write();
    await truncate(join(folder, name), Math.floor((await readFile(join(folder, name))).length / 2));
    await expect(readModelFolder(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(folder) });
  });

  it("is refused when tokenizer and embedding do not fit", async () => {
    await write();
    const path = join(folder, "config.json");
    const json = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...json, vocab_size: 298 }));
    await expect(readModelFolder(folder)).rejects.toMatchObject({
      code: "checkpoint-corrupt",
      message: expect.stringContaining("299 ids"),
    });
  });
});
