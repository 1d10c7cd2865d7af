/**
 * @file A model's `config.json` as far as an export needs it: Qwen2, Qwen3 and Llama in Hugging Face's layout. What would
 * change the computation and is not understood is refused, never left out.
 */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";

/** The families that are exported; their names are also llama.cpp's architectures. */
export const FAMILIES = ["qwen2", "qwen3", "llama"] as const;
export type Family = (typeof FAMILIES)[number];

/** How positions beyond those of the training are reached. */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | { readonly type: "yarn"; readonly factor: number; readonly originalPositions: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

/** A model's shape. */
export interface FamilyConfig {
  readonly family: Family;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly rmsNormEpsilon: number;
  readonly maxPositions: number;
  readonly isTied: boolean;
  /** Control ids as the file names them; a list's first. */
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
}

const size = (limit: number) => z.int().min(1).max(limit);
const id = z
  .union([z.int().min(0), z.array(z.int().min(0))])
  .nullish()
  .transform((value) => (Array.isArray(value) ? (value[0] ?? null) : (value ?? null)));
const Rope = z
  .looseObject({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    rope_theta: z.number().positive().optional(),
    factor: z.number().positive().optional(),
    low_freq_factor: z.number().positive().optional(),
    high_freq_factor: z.number().positive().optional(),
    original_max_position_embeddings: size(1 << 24).optional(),
    attention_factor: z.number().positive().nullish(),
    mscale: z.undefined("is not understood").optional(),
    mscale_all_dim: z.undefined("is not understood").optional(),
    truncate: z.literal(true, "is not understood: llama.cpp truncates").nullish(),
    beta_fast: z.literal(32, "is not understood").nullish(),
    beta_slow: z.literal(1, "is not understood").nullish(),
  })
  .nullish();
const ConfigJson = z.looseObject({
  model_type: z.enum(FAMILIES, `is none of ${FAMILIES.join(", ")}`),
  hidden_act: z.literal("silu", "only silu is known").optional(),
  vocab_size: size(1 << 20),
  hidden_size: size(1 << 16),
  intermediate_size: size(1 << 20),
  num_hidden_layers: size(1024),
  num_attention_heads: size(1024),
  num_key_value_heads: size(1024).nullish(),
  head_dim: size(4096).nullish(),
  max_position_embeddings: size(1 << 24),
  rms_norm_eps: z.number().positive().max(1).default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: Rope,
  rope_parameters: Rope,
  tie_word_embeddings: z.boolean().default(false),
  use_sliding_window: z.literal(false, "sliding windows are not exported").nullish(),
  layer_types: z.array(z.literal("full_attention", "only full attention is exported")).nullish(),
  quantization_config: z.null("quantised weights are not exported").optional(),
  bos_token_id: id,
  eos_token_id: id,
  pad_token_id: id,
});
type ConfigJson = z.infer<typeof ConfigJson>;

/** transformers' own where a file names none. */
const DEFAULT_ROPE_THETA = 10_000;
const QWEN3_HEAD_SIZE = 128;

function refused(detail: string): AppError {
  return new AppError("checkpoint-corrupt", `config.json: ${detail.slice(0, 1000)}`, {
    hint: "models of the Qwen2, Qwen3 and Llama families in Hugging Face's layout can be exported",
  });
}

/** Reads a parsed `config.json`. Throws AppError "checkpoint-corrupt" that lists every field at fault. */
export function readFamilyConfig(json: unknown): FamilyConfig {
  const read = ConfigJson.safeParse(json);
  if (!read.success)
    throw refused(read.error.issues.map(({ path, message }) => `${path.join(".") || "file"}: ${message}`).join("; "));
  const fields = read.data;
  const heads = fields.num_attention_heads;
  const config: FamilyConfig = {
    family: fields.model_type,
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads,
    kvHeads: fields.num_key_value_heads ?? heads,
    headSize: fields.head_dim ?? (fields.model_type === "qwen3" ? QWEN3_HEAD_SIZE : fields.hidden_size / heads),
    ropeTheta: fields.rope_theta ?? fields.rope_parameters?.rope_theta ?? DEFAULT_ROPE_THETA,
    ropeScaling: readScaling(fields),
    rmsNormEpsilon: fields.rms_norm_eps,
    maxPositions: fields.max_position_embeddings,
    isTied: fields.tie_word_embeddings,
    bosId: fields.bos_token_id,
    eosId: fields.eos_token_id,
    padId: fields.pad_token_id,
  };
  const { headSize, kvHeads } = config;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0 || heads % kvHeads !== 0)
    throw refused(`${heads} heads, ${kvHeads} of keys, of ${headSize} values do not fit together`);
  return config;
}

/** llama.cpp scales attention by YaRN's own factor, 0.1 ln(factor) + 1 (Peng et al. 2023, equation 22), and by no other. */
function refuseOtherAttention(factor: number, attention: number | null | undefined): void {
  if (attention === null || attention === undefined) return;
  const usual = 0.1 * Math.log(factor) + 1;
  if (Math.abs(attention - usual) <= 1e-6) return;
  throw refused(`attention_factor ${attention} is not exported; only YaRN's own, ${usual.toFixed(6)}, is`);
}

/** transformers 5 has everything of positions in `rope_parameters`, 4 has `rope_scaling`. */
function readScaling({ rope_parameters, rope_scaling, max_position_embeddings }: ConfigJson): RopeScaling | null {
  const rope = rope_scaling ?? rope_parameters;
  const type = rope?.rope_type ?? rope?.type ?? "default";
  if (rope === null || rope === undefined || type === "default") return null;
  const { factor, original_max_position_embeddings: originalPositions = max_position_embeddings } = rope;
  if (factor === undefined) throw refused(`positions scaled by "${type}" without a factor`);
  if (type === "linear") return { type, factor };
  if (type === "yarn") {
    refuseOtherAttention(factor, rope.attention_factor);
    return { type, factor, originalPositions };
  }
  if (type === "llama3")
    return {
      type,
      factor,
      originalPositions,
      lowFrequencyFactor: rope.low_freq_factor ?? 1,
      highFrequencyFactor: rope.high_freq_factor ?? 4,
    };
  throw refused(`positions scaled by "${type}" are not exported`);
}

/**
 * What Llama 3 divides each rotary frequency by, for `headSize / 2` frequencies: 1 for short waves, the factor for long
 * ones, and in between a share of both.
 *
 * @source Llama 3.1's scaling, as in transformers' modeling_rope_utils
 */
export function llama3Divisors({ headSize, ropeTheta }: FamilyConfig, scaling: RopeScaling & { type: "llama3" }) {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  return Float32Array.from({ length: headSize / 2 }, (_, index) => {
    const wave = 2 * Math.PI * ropeTheta ** ((2 * index) / headSize);
    if (wave < originalPositions / high) return 1;
    if (wave > originalPositions / low) return factor;
    const smooth = (originalPositions / wave - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
