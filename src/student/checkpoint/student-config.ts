/** @file The shape of a student of the Qwen2, Qwen3 or Llama family, read from and written as Hugging Face's `config.json`. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { formatRopeScaling, type RopeScaling, RopeJson } from "./rope-scaling.ts";

/**
 * What tells the families apart: Qwen2 adds a bias to queries, keys and values; Qwen3 normalises queries and keys, head by
 * head, before they are rotated; Llama does neither.
 */
export type Architecture = "qwen2" | "qwen3" | "llama";

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
  /** Absent: qwen2, so that hashes of configs made before there were others still hold. */
  readonly architecture?: Exclude<Architecture, "qwen2">;
  /** Absent: positions are not scaled. */
  readonly ropeScaling?: RopeScaling;
}

/** The family of a config. */
export function architectureOf({ architecture }: Pick<StudentConfig, "architecture">): Architecture {
  return architecture ?? "qwen2";
}

const size = (limit: number) => z.int().min(1).max(limit);
const noBias = z.literal(false, "biases of this kind are not supported").nullish();
// Fields that change the computation must have the values that we compute; all others (dropout, cache, dtype) may differ.
const StudentJson = z.looseObject({
  model_type: z.enum(["qwen2", "qwen3", "llama"], "only the families qwen2, qwen3 and llama are supported"),
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
  rope_scaling: RopeJson.nullish(),
  rope_parameters: RopeJson.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: noBias,
  mlp_bias: noBias,
  use_sliding_window: z.literal(false, "sliding-window attention is not supported").nullish(),
  layer_types: z.array(z.literal("full_attention", "only full attention is supported")).nullish(),
  quantization_config: z.null("quantised weights are not supported").optional(),
});

/** Frequencies' base where a file names none; transformers' own default for all three families. */
const DEFAULT_ROPE_THETA = 10_000;
/** The width of a Qwen3 head where a file names none; transformers' own default. */
const QWEN3_HEAD_SIZE = 128;

function corrupt(detail: string): AppError {
  return new AppError("checkpoint-corrupt", `config.json: ${detail}`, {
    hint: "use a folder of the Qwen2, Qwen3 or Llama family in Hugging Face's layout",
  });
}

/**
 * Reads a parsed `config.json`.
 *
 * @throws {AppError} checkpoint-corrupt, listing every field that is missing or asks for something we do not compute.
 */
export function parseStudentConfig(json: unknown): StudentConfig {
  const result = StudentJson.safeParse(json);
  if (!result.success)
    throw corrupt(
      result.error.issues
        .map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`)
        .join("; ")
        .slice(0, 1000),
    );
  const fields = result.data;
  const heads = fields.num_attention_heads;
  const architecture = fields.model_type;
  const ropeScaling = fields.rope_parameters?.scaling ?? fields.rope_scaling?.scaling;
  const config: StudentConfig = {
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads,
    kvHeads: fields.num_key_value_heads ?? heads,
    headSize: fields.head_dim ?? (architecture === "qwen3" ? QWEN3_HEAD_SIZE : fields.hidden_size / heads),
    ropeTheta: fields.rope_theta ?? fields.rope_parameters?.theta ?? fields.rope_scaling?.theta ?? DEFAULT_ROPE_THETA,
    rmsNormEpsilon: fields.rms_norm_eps,
    maxPositions: fields.max_position_embeddings,
    isTied: fields.tie_word_embeddings,
    ...(architecture === "qwen2" ? {} : { architecture }),
    ...(ropeScaling === undefined ? {} : { ropeScaling }),
  };
  checkHeads(config);
  return config;
}

/** Whether a parsed `config.json` says that the weights beside it are bf16; the files themselves have the last word. */
export function saysBf16(json: unknown): boolean {
  const { dtype, torch_dtype: older } = (json ?? {}) as { dtype?: unknown; torch_dtype?: unknown };
  return (dtype ?? older) === "bfloat16";
}

/** What attention's working memory holds; see memory-layout.ts. */
const MAX_HEAD_SIZE = 448;

function checkHeads({ headSize, hiddenSize, heads, kvHeads }: StudentConfig): void {
  if (!Number.isInteger(headSize))
    throw corrupt(`hidden_size ${hiddenSize} is not a multiple of num_attention_heads ${heads}`);
  if (headSize % 2 !== 0) throw corrupt(`a head of ${headSize} values is odd; rotary positions need pairs`);
  if (headSize % 4 !== 0 || headSize > MAX_HEAD_SIZE)
    throw corrupt(`a head of ${headSize} values: the kernels take multiples of 4 up to ${MAX_HEAD_SIZE}`);
  if (heads % kvHeads !== 0)
    throw corrupt(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}`);
}

const CLASS_NAMES: Readonly<Record<Architecture, string>> = {
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  llama: "LlamaForCausalLM",
};

/**
 * A `config.json` that transformers 4 and 5 open, as an object to be written in this order.
 *
 * The ids are the tokenizer's for the end of a turn and for padding; `isBf16` says how the weights beside it are stored.
 */
export function formatStudentConfig(
  config: StudentConfig,
  { imEnd, pad, isBf16 = false }: { readonly imEnd: number; readonly pad: number; readonly isBf16?: boolean },
): Record<string, unknown> {
  const dtype = isBf16 ? "bfloat16" : "float32";
  const architecture = architectureOf(config);
  const scaling = formatRopeScaling(config.ropeScaling);
  const hasUsualHead = architecture !== "qwen3" && config.headSize * config.heads === config.hiddenSize;
  return {
    architectures: [CLASS_NAMES[architecture]],
    ...(architecture === "qwen2" ? {} : { attention_bias: false }),
    attention_dropout: 0,
    bos_token_id: null,
    dtype,
    eos_token_id: imEnd,
    ...(hasUsualHead ? {} : { head_dim: config.headSize }),
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: 0.02,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    ...(architecture === "llama" ? { mlp_bias: false } : {}),
    model_type: architecture,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    pad_token_id: pad,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_parameters: { rope_theta: config.ropeTheta, ...scaling },
    // The same again where transformers 4 and other readers look for it.
    ...(config.ropeScaling === undefined ? {} : { rope_scaling: scaling }),
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.isTied,
    torch_dtype: dtype,
    use_cache: true,
    ...(architecture === "llama" ? {} : { use_sliding_window: false }),
    vocab_size: config.vocabularySize,
  };
}
