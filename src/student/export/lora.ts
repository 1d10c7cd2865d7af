/** @file LoRA adapters in peft's layout, and what a weight is with its adapter merged: W + scale * B A, in 32-bit floats. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";

/** An adapter's `adapter_config.json`, as far as merging needs it. */
export interface LoraConfig {
  readonly alpha: number;
  /** Divides alpha by the square root of the rank instead of the rank. */
  readonly isRankStabilised: boolean;
  /** The base that it was trained on: a folder or a name on the hub; null where it is not said. */
  readonly base: string | null;
}

/** Names of the two factors of one weight: `a` is [rank, columns], `b` is [rows, rank]. */
export interface LoraPair {
  readonly a: string;
  readonly b: string;
}

const unsupported = (what: string) => z.literal(false, `${what} is not merged`).nullish();
const empty = (what: string) => z.record(z.string(), z.never(`${what} is not merged`)).nullish();
const ConfigJson = z.looseObject({
  peft_type: z.literal("LORA", "only LoRA is merged"),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  fan_in_fan_out: unsupported("fan_in_fan_out"),
  use_rslora: z.boolean().nullish(),
  use_dora: unsupported("DoRA"),
  lora_bias: unsupported("lora_bias"),
  bias: z.literal("none", "a bias that was trained is not merged").nullish(),
  modules_to_save: z.array(z.never("modules_to_save are not merged")).nullish(),
  alpha_pattern: empty("alpha_pattern"),
  base_model_name_or_path: z.string().nullish(),
});

/** Reads a parsed `adapter_config.json`. Throws AppError "checkpoint-corrupt" for what is not merged: DoRA and others. */
export function readLoraConfig(json: unknown): LoraConfig {
  const read = ConfigJson.safeParse(json);
  if (!read.success)
    throw refused(
      `adapter_config.json: ${read.error.issues
        .map(({ path, message }) => `${path.join(".") || "file"}: ${message}`)
        .join("; ")
        .slice(0, 1000)}`,
    );
  const { lora_alpha: alpha, use_rslora, base_model_name_or_path: base } = read.data;
  return { alpha, isRankStabilised: use_rslora ?? false, base: base ?? null };
}

/** The factor in front of B A. */
export function loraScale({ alpha, isRankStabilised }: LoraConfig, rank: number): number {
  return alpha / (isRankStabilised ? Math.sqrt(rank) : rank);
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * The adapter's pairs by the base's weights that they change.
 *
 * @throws AppError "checkpoint-corrupt" for a tensor that is no factor, has no other, or does not fit the base's weight.
 */
export function pairFactors(adapter: Shapes, base: Shapes): Map<string, LoraPair> {
  const pairs = new Map<string, LoraPair>();
  for (const [name, shape] of adapter) {
    const [, module = "", side = ""] = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name) ?? [];
    if (side === "") throw refused(`adapter: ${name.slice(0, 200)} is no factor of a linear layer`);
    if (side === "B") continue;
    const [a, b, weight] = [name, name.replace(/\.lora_A(?=\.(default\.)?weight$)/, ".lora_B"), `${module}.weight`];
    const [rows, columns] = base.get(weight) ?? [];
    const fits = shape.length === 2 && shape[1] === columns && adapter.get(b)?.join("x") === `${rows}x${shape[0]}`;
    if (!fits)
      throw refused(
        `adapter: ${module.slice(0, 200)} with factors ${shape.join("x")} and ${adapter.get(b)?.join("x") ?? "none"} does not fit the base's ${base.get(weight)?.join("x") ?? "none"}`,
      );
    pairs.set(weight, { a, b });
  }
  if (pairs.size === 0 || 2 * pairs.size !== adapter.size) throw refused("adapter: factors without their other half");
  return pairs;
}

/** The factors of some rows of a weight. */
export interface LoraRows {
  /** [rank, columns] */
  readonly a: Float32Array;
  /** [rows, rank] */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** Adds scale * B A to rows of a weight, in place. */
export function addLora(weight: Float32Array, { a, b, rank, scale }: LoraRows): void {
  const columns = a.length / rank;
  const delta = new Float32Array(columns);
  for (let row = 0; row < weight.length / columns; row++) {
    delta.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = b[row * rank + k] ?? 0;
      for (let column = 0, at = k * columns; column < columns; column++, at++)
        delta[column] = (delta[column] ?? 0) + factor * (a[at] ?? 0);
    }
    for (let column = 0, at = row * columns; column < columns; column++, at++)
      weight[at] = (weight[at] ?? 0) + scale * (delta[column] ?? 0);
  }
}

function refused(detail: string): AppError {
  return new AppError("checkpoint-corrupt", detail, {
    hint: "merge it with peft's merge_and_unload, then export the folder",
  });
}
