/**
 * @file A model of a known family as GGUF has it: llama.cpp's names of fields and tensors, and the order in which its
 * `llama` architecture wants the rows of queries and keys.
 */
import { AppError } from "../../core/errors.ts";
import { type FamilyConfig, llama3Divisors } from "./family-config.ts";
import type { GgufTensor, GgufValue } from "./gguf-file.ts";
import { Q8_BLOCK, type WeightType } from "./weight-types.ts";

/** A tensor of the file and where its values come from. */
export interface PlannedTensor extends GgufTensor {
  readonly from:
    | {
        readonly kind: "checkpoint";
        readonly name: string /** Rows of a head, of a tensor whose rows move. */;
        readonly pairedRows: number | null;
      }
    | { readonly kind: "values"; readonly values: Float32Array };
}

/** What a file's weights are said to be, as llama.cpp numbers it. */
const FILE_TYPES: Readonly<Record<WeightType, number>> = { f32: 0, f16: 1, q8_0: 7, bf16: 32 };
const QUANTISATION_VERSION = 2;

const u32 = (value: number): GgufValue => ({ type: "u32", value });
const f32 = (value: number): GgufValue => ({ type: "f32", value });
const text = (value: string): GgufValue => ({ type: "text", value });

/** The fields of an architecture: sizes, positions, type of the weights. */
export function modelMetadata(config: FamilyConfig, type: WeightType): [string, GgufValue][] {
  const { family, ropeScaling: scaling } = config;
  const own = (name: string, value: GgufValue): [string, GgufValue] => [`${family}.${name}`, value];
  const scaled: [string, GgufValue][] = [];
  // Llama 3's is a tensor of divisors instead.
  if (scaling !== null && scaling.type !== "llama3")
    scaled.push(own("rope.scaling.type", text(scaling.type)), own("rope.scaling.factor", f32(scaling.factor)));
  if (scaling?.type === "yarn")
    scaled.push(own("rope.scaling.original_context_length", u32(scaling.originalPositions)));
  return [
    own("block_count", u32(config.layers)),
    own("context_length", u32(config.maxPositions)),
    own("embedding_length", u32(config.hiddenSize)),
    own("feed_forward_length", u32(config.intermediateSize)),
    own("attention.head_count", u32(config.heads)),
    own("attention.head_count_kv", u32(config.kvHeads)),
    own("attention.key_length", u32(config.headSize)),
    own("attention.value_length", u32(config.headSize)),
    own("attention.layer_norm_rms_epsilon", f32(config.rmsNormEpsilon)),
    own("rope.dimension_count", u32(config.headSize)),
    own("rope.freq_base", f32(config.ropeTheta)),
    ...scaled,
    own("vocab_size", u32(config.vocabularySize)),
    ["general.file_type", u32(FILE_TYPES[type])],
    ["general.quantization_version", u32(QUANTISATION_VERSION)],
  ];
}

/** Tensors outside the layers, and those of a layer; each `.weight` may have a `.bias`. */
const OUTER: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  lm_head: "output",
};
const INNER: Readonly<Record<string, string>> = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  post_attention_layernorm: "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};
/** Made from the config, or the head again where it is the embedding. */
const isLeftOut = (name: string, { isTied }: FamilyConfig): boolean =>
  name.endsWith(".rotary_emb.inv_freq") || (isTied && name === "lm_head.weight");

/**
 * Every tensor of the file, in the order of the layers.
 *
 * @param shapes the checkpoint's tensors
 * @throws AppError "checkpoint-corrupt" for a tensor that is missing or that the family does not have.
 */
export function planTensors(
  config: FamilyConfig,
  shapes: ReadonlyMap<string, readonly number[]>,
  type: WeightType,
): readonly PlannedTensor[] {
  checkNames(config, shapes);
  const planned: PlannedTensor[] = [];
  for (const [name, shape] of shapes) {
    if (isLeftOut(name, config)) continue;
    planned.push({
      name: ggufName(name, config),
      shape,
      type: typeOf(shape, type),
      from: { kind: "checkpoint", name, pairedRows: pairedRows(name, config) },
    });
  }
  if (config.ropeScaling?.type === "llama3") {
    const values = llama3Divisors(config, config.ropeScaling);
    planned.push({ name: "rope_freqs.weight", shape: [values.length], type: "f32", from: { kind: "values", values } });
  }
  return planned.sort((a, b) => layerOf(a) - layerOf(b) || (a.name < b.name ? -1 : 1));
}

/** Vectors stay whole, and so, as f16, do rows that do not divide into blocks. */
function typeOf(shape: readonly number[], type: WeightType): WeightType {
  if (shape.length < 2) return "f32";
  return type === "q8_0" && (shape.at(-1) ?? 0) % Q8_BLOCK !== 0 ? "f16" : type;
}

const layerOf = ({ name }: PlannedTensor): number => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);

function ggufName(name: string, { family, layers }: FamilyConfig): string {
  const [, stem = "", kind = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const outer = OUTER[stem];
  if (outer !== undefined && kind === "weight") return `${outer}.weight`;
  const [, layer = "", part = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(stem) ?? [];
  const inner = INNER[part];
  const isNorm = inner?.endsWith("_norm") ?? false;
  if (inner !== undefined && Number(layer) < layers && (kind === "weight" || !isNorm))
    if (family === "qwen3" || !/^attn_[qk]_norm$/.test(inner)) return `blk.${Number(layer)}.${inner}.${kind}`;
  throw broken(`${name.slice(0, 200)} is no tensor of a ${family} of ${layers} layers`);
}

/** llama.cpp's `llama` turns neighbouring values of a head, the checkpoint's turns value i with value i + half a head. */
function pairedRows(name: string, { family, headSize }: FamilyConfig): number | null {
  return family === "llama" && /\.self_attn\.[qk]_proj\.(weight|bias)$/.test(name) ? headSize : null;
}

/** Rows of heads in llama.cpp's order: within each head, row i of the first half before row i of the second. */
export function pairRows(bytes: Uint8Array, rowBytes: number, headRows: number): Uint8Array {
  const paired = new Uint8Array(bytes.length);
  const half = headRows / 2;
  for (let from = 0; from < bytes.length / rowBytes; from++) {
    const [head, row] = [Math.floor(from / headRows), from % headRows];
    const to = head * headRows + (row < half ? 2 * row : 2 * (row - half) + 1);
    paired.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), to * rowBytes);
  }
  return paired;
}

/** Every layer has every matrix and norm, in the shape that the config says. */
function checkNames(config: FamilyConfig, shapes: ReadonlyMap<string, readonly number[]>): void {
  for (const [name, shape] of expectedShapes(config)) {
    const found = shapes.get(name);
    if (found === undefined) throw broken(`${name} is missing`);
    if (found.join("x") !== shape.join("x"))
      throw broken(`${name} has shape ${found.join("x")}, config.json asks for ${shape.join("x")}`);
  }
}

function* expectedShapes(config: FamilyConfig): Generator<[string, readonly number[]]> {
  const { family, hiddenSize, intermediateSize, vocabularySize, headSize } = config;
  const [query, key] = [config.heads * headSize, config.kvHeads * headSize];
  yield ["model.embed_tokens.weight", [vocabularySize, hiddenSize]];
  yield ["model.norm.weight", [hiddenSize]];
  if (!config.isTied) yield ["lm_head.weight", [vocabularySize, hiddenSize]];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = (part: string): string => `model.layers.${layer}.${part}`;
    yield [at("self_attn.q_proj.weight"), [query, hiddenSize]];
    yield [at("self_attn.k_proj.weight"), [key, hiddenSize]];
    yield [at("self_attn.v_proj.weight"), [key, hiddenSize]];
    yield [at("self_attn.o_proj.weight"), [hiddenSize, query]];
    if (family === "qwen2")
      for (const [name, rows] of [
        ["q", query],
        ["k", key],
        ["v", key],
      ] as const)
        yield [at(`self_attn.${name}_proj.bias`), [rows]];
    if (family === "qwen3") for (const name of ["q", "k"]) yield [at(`self_attn.${name}_norm.weight`), [headSize]];
    yield [at("mlp.gate_proj.weight"), [intermediateSize, hiddenSize]];
    yield [at("mlp.up_proj.weight"), [intermediateSize, hiddenSize]];
    yield [at("mlp.down_proj.weight"), [hiddenSize, intermediateSize]];
    for (const name of ["input_layernorm", "post_attention_layernorm"]) yield [at(`${name}.weight`), [hiddenSize]];
  }
}

function broken(detail: string): AppError {
  return new AppError("checkpoint-corrupt", `weights: ${detail}`, {
    hint: "config.json and the weights must come from one model of the Qwen2, Qwen3 or Llama family",
  });
}
