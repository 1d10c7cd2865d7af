/** @file How rotary positions are stretched beyond a base's first context: read from `config.json`, in both of its layouts. */
import { z } from "zod";

/** Frequencies are divided by `factor`: all of them, or, as Llama 3.1 does, the slow ones, with a passage between. */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      /** Waves longer than `originalPositions / lowFrequency` positions are slow, shorter than `/ highFrequency` fast. */
      readonly lowFrequency: number;
      readonly highFrequency: number;
      readonly originalPositions: number;
    }
  | {
      /** Peng et al. 2023: between `fastTurns` and `slowTurns` turns over the first context a ramp; cosines and sines are scaled too. */
      readonly type: "yarn";
      readonly factor: number;
      readonly originalPositions: number;
      readonly fastTurns: number;
      readonly slowTurns: number;
      readonly attentionFactor: number;
      /** Whether the ramp starts and ends at whole frequencies. */
      readonly isTruncated: boolean;
    };

const factor = z.number().min(1).max(1e6);
const Linear = z
  .looseObject({ factor })
  .transform((fields): RopeScaling => ({ type: "linear", factor: fields.factor }));
const Llama3 = z
  .looseObject({
    factor,
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: z.int().min(1),
  })
  .refine((fields) => fields.high_freq_factor > fields.low_freq_factor, {
    message: "high_freq_factor must exceed low_freq_factor",
  })
  .transform(
    (fields): RopeScaling => ({
      type: "llama3",
      factor: fields.factor,
      lowFrequency: fields.low_freq_factor,
      highFrequency: fields.high_freq_factor,
      originalPositions: fields.original_max_position_embeddings,
    }),
  );

const Yarn = z
  .looseObject({
    factor,
    original_max_position_embeddings: z.int().min(1),
    beta_fast: z.number().positive().nullish(),
    beta_slow: z.number().positive().nullish(),
    attention_factor: z.number().positive().nullish(),
    mscale: z.null("is not supported").optional(),
    mscale_all_dim: z.null("is not supported").optional(),
    truncate: z.boolean().default(true),
  })
  .transform(
    (fields): RopeScaling => ({
      type: "yarn",
      factor: fields.factor,
      originalPositions: fields.original_max_position_embeddings,
      fastTurns: fields.beta_fast ?? 32,
      slowTurns: fields.beta_slow ?? 1,
      attentionFactor: fields.attention_factor ?? 0.1 * Math.log(fields.factor) + 1,
      isTruncated: fields.truncate,
    }),
  );
const KINDS = { linear: Linear, llama3: Llama3, yarn: Yarn };

const REFUSALS: Readonly<Record<string, string>> = {
  dynamic: "scaled rotary positions of type dynamic depend on the length of the text; they are not supported",
};

/** `rope_scaling` of transformers 4 or `rope_parameters` of transformers 5, which names the base of the frequencies too. */
export const RopeJson = z
  .looseObject({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    rope_theta: z.number().positive().optional(),
  })
  .transform((fields, context): { theta?: number | undefined; scaling?: RopeScaling } => {
    const type = fields.rope_type ?? fields.type ?? "default";
    const refuse = (message: string): never => {
      context.addIssue({ code: "custom", message, path: [fields.rope_type === undefined ? "type" : "rope_type"] });
      return z.NEVER;
    };
    if (fields.partial_rotary_factor !== undefined && fields.partial_rotary_factor !== 1)
      return refuse("rotary positions on a part of the head are not supported");
    if (type === "default") return { theta: fields.rope_theta };
    if (type !== "linear" && type !== "llama3" && type !== "yarn")
      return refuse(REFUSALS[type] ?? `scaled rotary positions of type ${type.slice(0, 40)} are not supported`);
    const read = KINDS[type].safeParse(fields);
    if (!read.success)
      return refuse(read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
    return { theta: fields.rope_theta, scaling: read.data };
  });

/** The fields that {@link RopeJson} reads. */
export function formatRopeScaling(scaling: RopeScaling | undefined): Record<string, unknown> {
  if (scaling === undefined) return { rope_type: "default" };
  if (scaling.type === "linear") return { factor: scaling.factor, rope_type: "linear" };
  if (scaling.type === "yarn")
    return {
      attention_factor: scaling.attentionFactor,
      beta_fast: scaling.fastTurns,
      beta_slow: scaling.slowTurns,
      factor: scaling.factor,
      original_max_position_embeddings: scaling.originalPositions,
      rope_type: "yarn",
      truncate: scaling.isTruncated,
    };
  return {
    factor: scaling.factor,
    high_freq_factor: scaling.highFrequency,
    low_freq_factor: scaling.lowFrequency,
    original_max_position_embeddings: scaling.originalPositions,
    rope_type: "llama3",
  };
}
