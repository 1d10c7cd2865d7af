import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatStudentConfig, parseStudentConfig, type StudentConfig } from "./student-config.ts";
import { checkStudentTensors, studentTensorShapes } from "./student-tensors.ts";
import { decodeSafetensors } from "./safetensors.ts";

const fixture = (name: string) => JSON.parse(readFileSync(`fixtures/torch/${name}/config.json`, "utf8"));
const tiny: StudentConfig = {
  vocabularySize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 4,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 64,
  isTied: true,
};

describe("config.json", () => {
  it("reads what transformers 5 wrote", () => {
    expect(parseStudentConfig(fixture("qwen2-tied"))).toEqual(tiny);
    expect(parseStudentConfig(fixture("qwen2-untied"))).toEqual({ ...tiny, isTied: false });
  });

  it("reads Qwen2.5-0.5B's, as transformers 4 wrote it", () => {
    const qwen = {
      architectures: ["Qwen2ForCausalLM"],
      attention_dropout: 0.0,
      bos_token_id: 151643,
      eos_token_id: 151645,
      hidden_act: "silu",
      hidden_size: 896,
      initializer_range: 0.02,
      intermediate_size: 4864,
      max_position_embeddings: 32768,
      max_window_layers: 21,
      model_type: "qwen2",
      num_attention_heads: 14,
      num_hidden_layers: 24,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000.0,
      sliding_window: 32768,
      tie_word_embeddings: true,
      torch_dtype: "bfloat16",
      use_cache: true,
      use_sliding_window: false,
      vocab_size: 151936,
    };
    expect(parseStudentConfig(qwen)).toMatchObject({
      hiddenSize: 896,
      heads: 14,
      kvHeads: 2,
      headSize: 64,
      ropeTheta: 1e6,
      vocabularySize: 151936,
      isTied: true,
    });
  });

  it("reads Qwen3's and Llama's, with scaled positions in either layout", () => {
    const scaling = { type: "llama3", factor: 4, lowFrequency: 1, highFrequency: 4, originalPositions: 32 } as const;
    const llama = { ...tiny, architecture: "llama", headSize: 8, ropeTheta: 300, ropeScaling: scaling };
    expect(parseStudentConfig(fixture("llama"))).toEqual(llama);
    const { rope_parameters: rope, ...older } = fixture("llama");
    const { rope_theta, ...rope_scaling } = rope;
    expect(parseStudentConfig({ ...older, rope_theta, rope_scaling })).toEqual(llama);
    expect(parseStudentConfig(fixture("qwen3"))).toEqual({
      ...tiny,
      architecture: "qwen3",
      headSize: 12,
      isTied: false,
    });
    const { head_dim: _, ...headless } = fixture("qwen3");
    expect(parseStudentConfig(headless).headSize).toBe(128);
  });

  it.each([
    { ...tiny, architecture: "qwen3", headSize: 8 } as const,
    { ...tiny, architecture: "llama", ropeScaling: { type: "linear", factor: 2 } } as const,
    parseStudentConfig(fixture("llama")),
    {
      ...tiny,
      ropeScaling: {
        type: "yarn",
        factor: 4,
        originalPositions: 16,
        fastTurns: 32,
        slowTurns: 1,
        attentionFactor: 1.2,
        isTruncated: false,
      },
    } as const,
    tiny,
    { ...tiny, isTied: false, headSize: 8, kvHeads: 4, ropeTheta: 5e5, rmsNormEpsilon: 1e-5 },
  ])("is undone by reading", (config) => {
    expect(parseStudentConfig(JSON.parse(JSON.stringify(formatStudentConfig(config, { imEnd: 1, pad: 2 }))))).toEqual(
      config,
    );
  });

  it.each([
    ["another architecture", { model_type: "gemma3" }, "model_type: only the families qwen2, qwen3 and llama"],
    [
      "biases on every projection",
      { model_type: "llama", attention_bias: true },
      "attention_bias: biases of this kind",
    ],
    ["biases in the feed-forward part", { model_type: "llama", mlp_bias: true }, "mlp_bias: biases of this kind"],
    ["positions on a part of the head", { rope_parameters: { partial_rotary_factor: 0.5 } }, "a part of the head"],
    ["a scaling that lacks a number", { rope_scaling: { type: "llama3", factor: 8 } }, "low_freq_factor"],
    ["a head that the kernels cannot take", { head_dim: 6 }, "a head of 6 values: the kernels take multiples of 4"],
    ["another activation", { hidden_act: "gelu" }, "hidden_act: only silu"],
    [
      "scaled positions",
      { rope_scaling: { type: "dynamic", factor: 4 } },
      "rope_scaling.type: scaled rotary positions of type dynamic",
    ],
    [
      "scaled positions of transformers 5",
      { rope_parameters: { rope_type: "longrope", rope_theta: 1e4 } },
      "rope_parameters.rope_type: scaled rotary positions",
    ],
    ["a sliding window", { use_sliding_window: true }, "use_sliding_window: sliding-window"],
    ["a sliding layer", { layer_types: ["full_attention", "sliding_attention"] }, "layer_types.1: only full attention"],
    ["quantised weights", { quantization_config: { bits: 4 } }, "quantization_config: quantised"],
    ["no width", { hidden_size: undefined }, "hidden_size:"],
    ["a width of text", { hidden_size: "16" }, "hidden_size:"],
    [
      "heads that do not divide",
      { num_attention_heads: 3, num_key_value_heads: 3 },
      "hidden_size 16 is not a multiple of num_attention_heads 3",
    ],
    [
      "key heads that do not divide",
      { num_key_value_heads: 3 },
      "num_attention_heads 4 is not a multiple of num_key_value_heads 3",
    ],
    ["an odd head", { head_dim: 5 }, "a head of 5 values is odd"],
  ])("is refused with %s", (_, change, message) => {
    expect(() => parseStudentConfig({ ...fixture("qwen2-tied"), ...change })).toThrow(
      expect.objectContaining({ code: "checkpoint-corrupt", message: expect.stringContaining(message) }),
    );
  });

  it("names every fault at once", () => {
    expect(() => parseStudentConfig({ ...fixture("qwen2-tied"), hidden_act: "relu", vocab_size: 0 })).toThrow(
      /hidden_act.*vocab_size/s,
    );
  });
});

describe("a student's tensors", () => {
  it.each(["qwen2-tied", "qwen2-untied", "qwen3", "llama"])("are exactly those that transformers saves: %s", (name) => {
    const tensors = decodeSafetensors(readFileSync(`fixtures/torch/${name}/model.safetensors`));
    const shapes = Object.fromEntries([...tensors].map(([key, { shape }]) => [key, shape]));
    expect(Object.fromEntries(studentTensorShapes(parseStudentConfig(fixture(name))))).toEqual(shapes);
    expect(() => checkStudentTensors(parseStudentConfig(fixture(name)), tensors)).not.toThrow();
  });

  it.each([
    [
      "missing",
      (tensors: Map<string, { shape: readonly number[] }>) => tensors.delete("model.norm.weight"),
      "model.norm.weight is missing",
    ],
    [
      "of another shape",
      (tensors: Map<string, { shape: readonly number[] }>) => tensors.set("model.norm.weight", { shape: [8, 2] }),
      "model.norm.weight has shape 8x2, config.json asks for 16",
    ],
    [
      "unknown",
      (tensors: Map<string, { shape: readonly number[] }>) =>
        tensors.set("model.layers.2.mlp.up_proj.weight", { shape: [1] }),
      "model.layers.2.mlp.up_proj.weight is not a tensor",
    ],
  ])("are refused when one is %s", (_, spoil, message) => {
    const tensors = new Map([...studentTensorShapes(tiny)].map(([name, shape]) => [name, { shape }]));
    spoil(tensors);
    expect(() => checkStudentTensors(tiny, tensors)).toThrow(
      expect.objectContaining({ code: "checkpoint-corrupt", message: expect.stringContaining(message) }),
    );
  });

  it("may hold the frequencies that old Llama checkpoints repeat", () => {
    const tensors = new Map([...studentTensorShapes(tiny)].map(([name, shape]) => [name, { shape }]));
    tensors.set("model.layers.1.self_attn.rotary_emb.inv_freq", { shape: [2] });
    expect(() => checkStudentTensors(tiny, tensors)).not.toThrow();
  });

  it("may repeat a tied head", () => {
    const tensors = new Map(
      [...studentTensorShapes({ ...tiny, isTied: false })].map(([name, shape]) => [name, { shape }]),
    );
    expect(() => checkStudentTensors(tiny, tensors)).not.toThrow();
  });
});
