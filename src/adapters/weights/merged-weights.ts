/** @file A base with a LoRA adapter merged into it, as one source of weights: each stretch is merged when it is read. */
import { addLora, type LoraConfig, loraScale, pairFactors } from "../../student/export/lora.ts";
import { floatsOf, type StoredValues } from "../../student/export/weight-types.ts";
import type { WeightSource } from "./weight-source.ts";

/**
 * The base's tensors, those that the adapter changes as F32; closing it closes both.
 *
 * @throws AppError "checkpoint-corrupt" where the adapter does not fit the base.
 */
export function mergedWeights(base: WeightSource, adapter: WeightSource, config: LoraConfig): WeightSource {
  const pairs = pairFactors(shapesOf(adapter), shapesOf(base));
  // One tensor is read from front to back, so its A is kept until the next.
  let kept: { readonly name: string; readonly a: Float32Array } | undefined;
  const wholeA = async (name: string): Promise<Float32Array> => {
    if (kept?.name !== name) kept = { name, a: await floats(adapter, name, [0, rowsOf(adapter, name)]) };
    return kept.a;
  };
  return {
    tensors: base.tensors,
    read: async (name, firstRow, rows): Promise<StoredValues> => {
      const pair = pairs.get(name);
      const stored = await base.read(name, firstRow, rows);
      if (pair === undefined) return stored;
      const weight = floatsOf(stored);
      const rank = rowsOf(adapter, pair.a);
      const b = await floats(adapter, pair.b, [firstRow, rows]);
      addLora(weight, { a: await wholeA(pair.a), b, rank, scale: loraScale(config, rank) });
      return { dtype: "F32", bytes: new Uint8Array(weight.buffer, weight.byteOffset, weight.byteLength) };
    },
    stamp: JSON.stringify([base.stamp, adapter.stamp, config]),
    close: async () => {
      await base.close();
      await adapter.close();
    },
  };
}

/** Shapes of a source's tensors by name. */
export function shapesOf({ tensors }: WeightSource): Map<string, readonly number[]> {
  return new Map([...tensors].map(([name, { shape }]) => [name, shape]));
}

const rowsOf = ({ tensors }: WeightSource, name: string): number => tensors.get(name)?.shape[0] ?? 0;

async function floats(source: WeightSource, name: string, [first, rows]: readonly [number, number]) {
  return floatsOf(await source.read(name, first, rows));
}
