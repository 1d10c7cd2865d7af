/** @file What goes into a GGUF file. That gguf-py and llama.cpp read it as meant is tested in python/tests and test/gguf. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { llama3Divisors, readFamilyConfig } from "./family-config.ts";
import { aligned, encodeGgufHead } from "./gguf-file.ts";
import { modelMetadata, pairRows, planTensors } from "./gguf-model.ts";
import { tokenizerMetadata } from "./gguf-tokenizer.ts";

const CONFIG = {
  model_type: "llama",
  vocab_size: 320,
  hidden_size: 48,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  max_position_embeddings: 131_072,
  rope_theta: 500_000,
};
const read = (json: object) => readFamilyConfig({ ...CONFIG, ...json });

test("a head: magic, version, counts, fields, tensors with the fastest dimension first, offsets aligned", () => {
  const { bytes, offsets, dataBytes } = encodeGgufHead(
    new Map([
      ["a", { type: "u32", value: 7 }],
      ["b", { type: "texts", value: ["é"] }],
    ]),
    [
      { name: "x", shape: [3, 5], type: "f32" },
      { name: "y", shape: [2, 32], type: "q8_0" },
    ],
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe("GGUF");
  expect(view.getUint32(4, true)).toBe(3);
  expect([view.getBigUint64(8, true), view.getBigUint64(16, true)]).toEqual([2n, 2n]);
  expect([offsets, dataBytes]).toEqual([[0, aligned(60)], 64 + aligned(68)]);
  expect(bytes.length % 32).toBe(0);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("x", 60); // name, two dimensions, sizes, type, offset
  expect([view.getUint32(at + 1, true), view.getBigUint64(at + 5, true), view.getBigUint64(at + 13, true)]).toEqual([
    2,
    5n,
    3n,
  ]);
});

test("a head longer than its first buffer loses nothing", () => {
  const texts = Array.from({ length: 20_000 }, (_, index) => `token ${index}`);
  const { bytes } = encodeGgufHead(new Map([["tokens", { type: "texts", value: texts }]]), []);
  const text = new TextDecoder("latin1").decode(bytes);
  for (const one of ["token 0", "token 9999", "token 19999"]) expect(text).toContain(one);
});

test("rows of queries and keys move within their heads", () => {
  const rows = Uint8Array.from({ length: 8 }, (_, row) => row);
  expect([...pairRows(rows, 1, 4)]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
});

const SHAPES = new Map<string, number[]>([
  ["model.embed_tokens.weight", [320, 48]],
  ["model.layers.0.self_attn.q_proj.weight", [64, 48]],
  ["model.layers.0.self_attn.k_proj.weight", [32, 48]],
  ["model.layers.0.self_attn.v_proj.weight", [32, 48]],
  ["model.layers.0.self_attn.o_proj.weight", [48, 64]],
  ["model.layers.0.mlp.gate_proj.weight", [64, 48]],
  ["model.layers.0.mlp.up_proj.weight", [64, 48]],
  ["model.layers.0.mlp.down_proj.weight", [48, 64]],
  ["model.layers.0.input_layernorm.weight", [48]],
  ["model.layers.0.post_attention_layernorm.weight", [48]],
  ["model.layers.0.self_attn.rotary_emb.inv_freq", [8]],
  ["model.norm.weight", [48]],
  ["lm_head.weight", [320, 48]],
]);

test("tensors: names, whole vectors, f16 where rows do not divide, a tied head and old frequencies left out", () => {
  const planned = planTensors(read({ tie_word_embeddings: true }), SHAPES, "q8_0");
  const types = Object.fromEntries(planned.map(({ name, type }) => [name, type]));
  expect(types["blk.0.attn_q.weight"]).toBe("f16"); // rows of 48
  expect(types["blk.0.attn_output.weight"]).toBe("q8_0"); // rows of 64
  expect(types["output_norm.weight"]).toBe("f32");
  expect(Object.keys(types)).not.toContain("output.weight");
  expect(planned).toHaveLength(11);
  const moved = planned.flatMap(({ name, from }) =>
    from.kind === "checkpoint" && from.pairedRows !== null ? [name] : [],
  );
  expect(moved).toEqual(["blk.0.attn_k.weight", "blk.0.attn_q.weight"]);
  expect(planTensors(read({}), SHAPES, "f32").map(({ name }) => name)).toContain("output.weight");
});

test.each<[string, (shapes: Map<string, number[]>) => unknown, string]>([
  ["missing", (shapes) => shapes.delete("model.norm.weight"), "model.norm.weight is missing"],
  ["misshapen", (shapes) => shapes.set("lm_head.weight", [1, 48]), "lm_head.weight has shape 1x48"],
  ["unknown", (shapes) => shapes.set("model.layers.0.mlp.experts.weight", [1]), "is no tensor of a llama of 1 layers"],
  ["of a layer too many", (shapes) => shapes.set("model.layers.1.mlp.up_proj.weight", [1]), "is no tensor"],
  ["of another family", (shapes) => shapes.set("model.layers.0.self_attn.q_norm.weight", [16]), "is no tensor"],
])("a tensor that is %s is refused", (_, change, message) => {
  const shapes = new Map(SHAPES);
  change(shapes);
  expect(() => planTensors(read({}), shapes, "f32")).toThrow(message);
});

test("Llama 3's scaled positions: short waves as they are, long ones divided, in between both", () => {
  const rope_scaling = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  const config = readFamilyConfig({ ...CONFIG, head_dim: 128, rope_scaling });
  if (config.ropeScaling?.type !== "llama3") throw new Error("not read");
  const divisors = llama3Divisors(config, config.ropeScaling);
  expect([divisors[0], divisors[63]]).toEqual([1, 8]);
  expect([...divisors].every((value, at) => at === 0 || value >= (divisors[at - 1] ?? 0))).toBe(true);
  expect(divisors[32]).toBeGreaterThan(1); // a wave of 4,443 positions
  expect(divisors[32]).toBeLessThan(8);
  const fields = new Map(modelMetadata(config, "f32"));
  expect(fields.has("llama.rope.scaling.type")).toBe(false);
});

test("yarn is told in fields; what is not understood is refused", () => {
  const fields = new Map(
    modelMetadata(read({ rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 32_768 } }), "f16"),
  );
  expect(fields.get("llama.rope.scaling.type")).toEqual({ type: "text", value: "yarn" });
  expect(fields.get("llama.rope.scaling.original_context_length")).toEqual({ type: "u32", value: 32_768 });
  expect(() => read({ rope_scaling: { type: "dynamic", factor: 2 } })).toThrow(
    'positions scaled by "dynamic" are not exported',
  );
  expect(() => read({ model_type: "gemma" })).toThrow("model_type: is none of qwen2, qwen3, llama");
  expect(() => read({ use_sliding_window: true })).toThrow("sliding windows");
  expect(readFamilyConfig({ ...CONFIG, model_type: "qwen3", head_dim: undefined }).headSize).toBe(128);
});

const json = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8")) as Record<string, unknown>;
const files = (change: (tokenizer: Record<string, unknown>) => void = () => undefined) => {
  const tokenizer = json("tokenizer.json");
  change(tokenizer);
  return { tokenizer, config: json("tokenizer_config.json"), chatTemplate: "{{ x }}" };
};

test("a tokenizer: every row of the embedding has a token, added ones their type, ids by name", () => {
  const fields = new Map(
    tokenizerMetadata(
      files((tokenizer) => {
        for (const added of tokenizer["added_tokens"] as { id: number; special: boolean }[])
          added.special = added.id !== 298;
      }),
      read({}),
    ),
  );
  const valueOf = (name: string): unknown => fields.get(`tokenizer.${name}`)?.value;
  const [tokens, types] = [valueOf("ggml.tokens") as string[], valueOf("ggml.token_type") as number[]];
  expect([tokens.length, types.length]).toEqual([320, 320]);
  expect([tokens[297], types[297]]).toEqual(["<|im_end|>", 3]);
  expect([tokens[298], types[298]]).toEqual(["<|fim_pad|>", 4]);
  expect([tokens[319], types[319], types[0]]).toEqual(["[PAD319]", 5, 1]);
  expect(valueOf("ggml.pre")).toBe("qwen2");
  expect([valueOf("ggml.eos_token_id"), valueOf("ggml.padding_token_id")]).toEqual([297, 298]);
  expect(valueOf("ggml.add_bos_token")).toBe(false);
  expect(valueOf("chat_template")).toBe("{{ x }}");
});

test("a tokenizer that llama.cpp would use otherwise is refused", () => {
  const ignoring = files((tokenizer) => ((tokenizer["model"] as { ignore_merges: boolean }).ignore_merges = true));
  expect(() => tokenizerMetadata(ignoring, read({}))).toThrow("does the opposite");
  expect(() => tokenizerMetadata(files(), read({ vocab_size: 297 }))).toThrow("beyond the embedding's 297 rows");
});
