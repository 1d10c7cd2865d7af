/** @file The shape of a Qwen2-architecture student, read from and written as Hugging Face's `config.json`. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";

/** Everything that fixes a student's computation, apart from its weights. */
export interface StudentConfig {
  /** Rows of the embedding; at least the tokenizer's ids. */
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  /** Width of the feed-forward part (SwiGLU). */
  readonly intermediateSize: number;
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Width of one head, even; `hiddenSize / heads` unless the file says otherwise. */
  readonly headSize: number;
  /** Base of the rotary position frequencies. */
  readonly ropeTheta: number;
  readonly rmsNormEpsilon: number;
  /** Longest sequence, tokens. */
  readonly maxPositions: number;
  /** Whether the output head is the embedding itself. */
  readonly isTied: boolean;
}

const size = (limit: number) => z.int().min(1).max(limit);
const RopeParameters = z.looseObject({
  rope_theta: z.number().positive().optional(),
  rope_type: z.literal("default", "scaled rotary positions are not supported").optional(),
});
// Fields that change the computation must have the values that we compute; all others (dropout, cache, dtype) may differ.
const Qwen2Json = z.looseObject({
  model_type: z.literal("qwen2", "only the qwen2 architecture is supported"),
  hidden_act: z.literal("silu", "only silu is supported").optional(),
  vocab_size: size(1 << 20),
  hidden_size: size(1 << 15),
  intermediate_size: size(1 << 17),
  num_hidden_layers: size(256),
  num_attention_heads: size(1024),
  num_key_value_heads: size(1024).nullish(),
  head_dim: size(1024).nullish(),
  max_position_embeddings: size(1 << 24),
  rms_norm_eps: z.number().positive().max(1).default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.null("scaled rotary positions are not supported").optional(),
  rope_parameters: RopeParameters.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  use_sliding_window: z.literal(false, "sliding-window attention is not supported").nullish(),
  layer_types: z.array(z.literal("full_attention", "only full attention is supported")).nullish(),
  quantization_config: z.null("quantised weights are not supported").optional(),
});

/** Frequencies' base where a file names none; transformers' own default for Qwen2. */
const DEFAULT_ROPE_THETA = 10_000;

function corrupt(detail: string): AppError {
  return new AppError("checkpoint-corrupt", `config.json: ${detail}`, {
    hint: "use a folder of the Qwen2 architecture in Hugging Face's layout",
  });
}

/**
 * Reads a parsed `config.json`.
 *
 * @throws {AppError} checkpoint-corrupt, listing every field that is missing or asks for something we do not compute.
 */
export function parseStudentConfig(json: unknown): StudentConfig {
  const result = Qwen2Json.safeParse(json);
  if (!result.success)
    throw corrupt(
      result.error.issues
        .map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`)
        .join("; ")
        .slice(0, 1000),
    );
  const fields = result.data;
  const heads = fields.num_attention_heads;
  const config: StudentConfig = {
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads,
    kvHeads: fields.num_key_value_heads ?? heads,
    headSize: fields.head_dim ?? fields.hidden_size / heads,
    ropeTheta: fields.rope_theta ?? fields.rope_parameters?.rope_theta ?? DEFAULT_ROPE_THETA,
    rmsNormEpsilon: fields.rms_norm_eps,
    maxPositions: fields.max_position_embeddings,
    isTied: fields.tie_word_embeddings,
  };
  checkHeads(config);
  return config;
}

function checkHeads({ headSize, hiddenSize, heads, kvHeads }: StudentConfig): void {
  if (!Number.isInteger(headSize))
    throw corrupt(`hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}`);
  if (headSize % 2 !== 0) throw corrupt(`a head of ${headSize} values is odd; rotary positions need pairs`);
  if (heads % kvHeads !== 0)
    throw corrupt(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`);
}

/**
 * A `config.json` that transformers 4 and 5 open, as an object to be written in this order.
 *
 * @param controlIds The tokenizer's end-of-turn and padding ids.
 */
export function formatStudentConfig(
  config: StudentConfig,
  controlIds: { readonly imEnd: number; readonly pad: number },
): Record<string, unknown> {
  return {
    architectures: ["Qwen2ForCausalLM"],
    attention_dropout: 0,
    bos_token_id: null,
    dtype: "float32",
    eos_token_id: controlIds.imEnd,
    ...(config.headSize * config.heads === config.hiddenSize ? {} : { head_dim: config.headSize }),
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: 0.02,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    model_type: "qwen2",
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    pad_token_id: controlIds.pad,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_parameters: { rope_theta: config.ropeTheta, rope_type: "default" },
    // The same again where transformers 4 and other readers look for it.
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.isTied,
    torch_dtype: "float32",
    use_cache: true,
    use_sliding_window: false,
    vocab_size: config.vocabularySize,
  };
}

/** Every tensor of a student in Hugging Face's names, with its shape; the tied head has no tensor of its own. */
export function studentTensorShapes(config: StudentConfig): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize, vocabularySize } = config;
  const query = config.heads * config.headSize;
  const key = config.kvHeads * config.headSize;
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [vocabularySize, hiddenSize]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    shapes.set(`${at}.self_attn.q_proj.weight`, [query, hiddenSize]).set(`${at}.self_attn.q_proj.bias`, [query]);
    shapes.set(`${at}.self_attn.k_proj.weight`, [key, hiddenSize]).set(`${at}.self_attn.k_proj.bias`, [key]);
    shapes.set(`${at}.self_attn.v_proj.weight`, [key, hiddenSize]).set(`${at}.self_attn.v_proj.bias`, [key]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [hiddenSize, query]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${at}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]);
    shapes.set(`${at}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]);
    shapes.set(`${at}.input_layernorm.weight`, [hiddenSize]).set(`${at}.post_attention_layernorm.weight`, [hiddenSize]);
  }
  shapes.set("model.norm.weight", [hiddenSize]);
  if (!config.isTied) shapes.set("lm_head.weight", [vocabularySize, hiddenSize]);
  return shapes;
}

/**
 * Checks that a checkpoint holds exactly a student's tensors. A tied student's file may repeat the head, which is ignored.
 *
 * @throws {AppError} checkpoint-corrupt, naming the first tensor that is missing, unknown or of another shape.
 */
export function checkStudentTensors(
  config: StudentConfig,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const shapes = studentTensorShapes(config);
  const fault = (detail: string): AppError =>
    new AppError("checkpoint-corrupt", `model.safetensors: ${detail}`, {
      hint: "config.json and model.safetensors must come from one model",
    });
  for (const [name, shape] of shapes) {
    const found = tensors.get(name);
    if (found === undefined) throw fault(`${name} is missing`);
    if (found.shape.join("x") !== shape.join("x"))
      throw fault(`${name} has shape ${found.shape.join("x")}, config.json asks for ${shape.join("x")}`);
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name) && !(config.isTied && name === "lm_head.weight"))
      throw fault(`${name.slice(0, 200)} is not a tensor of this architecture`);
  }
}
