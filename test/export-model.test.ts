import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readFamilyConfig } from "../src/student/export/family-config.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { writeTinyStudent } from "./tiny-student.ts";

let machine: FakeMachine;
let student: string;
beforeAll(async () => {
  machine = await fakeMachine();
  student = join(await mkdtemp(join(tmpdir(), "grappa-export-")), "student");
  await writeTinyStudent(student);
});
afterAll(() => rm(machine.folder, { recursive: true, force: true }));

test("an export killed while it wrote over another type's weights is not taken for that one's afterwards", async () => {
  const out = join(machine.folder, "out");
  const run = (type: string) => machine.run("export", student, "--to", "hf", "--type", type, "--out", out, "--json");
  expect((await run("f16")).exitCode).toBe(0);
  const f16 = await readFile(join(out, "model.safetensors"));
  const header = JSON.parse(await readFile(join(out, "export.json"), "utf8")) as { weights: Record<string, unknown> };
  const [f16Key] = Object.keys(header.weights);
  machine.isFull = (path) => path.includes("README");
  expect((await run("bf16")).exitCode).not.toBe(0);
  machine.isFull = () => false;
  const killed = JSON.parse(await readFile(join(out, "export.json"), "utf8")) as { weights: Record<string, unknown> };
  expect(Object.keys(killed.weights)).not.toContain(f16Key);
  expect((JSON.parse((await run("f16")).stdout) as { kept: string[] }).kept).toEqual([]);
  expect(await readFile(join(out, "model.safetensors"))).toEqual(f16);
});

const YARN = {
  model_type: "qwen2",
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 256,
};
const scaled = (more: object) =>
  readFamilyConfig({ ...YARN, rope_parameters: { rope_type: "yarn", factor: 4, rope_theta: 1e4, ...more } });

test("YaRN as our own config.json writes it is exported; what llama.cpp cannot do is refused", () => {
  const own = { attention_factor: 0.1 * Math.log(4) + 1, beta_fast: 32, beta_slow: 1, truncate: true };
  expect(scaled(own).ropeScaling).toMatchObject({ type: "yarn", factor: 4 });
  expect(() => scaled({ attention_factor: 1.5 })).toThrow("attention_factor 1.5 is not exported");
  expect(() => scaled({ truncate: false })).toThrow("llama.cpp truncates");
  expect(() => scaled({ mscale_all_dim: 1 })).toThrow("is not understood");
});
