/** @file bfloat16, the upper half of an f32: as it stands in a checkpoint, two bytes a value. */
import type { NamedTensors, StoredTensors } from "./safetensors.ts";

/** The values as f32, exactly. */
export function widenBf16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/** The nearest bf16, ties to even, as PyTorch rounds; a NaN stays one. */
export function roundToBf16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? (word >>> 16) | 64 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** All tensors as bf16; those that are already stay the same objects. */
export function roundTensors(tensors: StoredTensors): StoredTensors {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { shape, data: data instanceof Uint16Array ? data : roundToBf16(data) },
    ]),
  );
}

/** All tensors as f32; those that are already stay the same objects. */
export function widenTensors(tensors: StoredTensors): NamedTensors {
  return new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { shape, data: data instanceof Uint16Array ? widenBf16(data) : data },
    ]),
  );
}
