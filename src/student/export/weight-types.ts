/** @file The types in which weights leave: how many bytes they take, and their values as bytes. Little-endian throughout. */
import { AppError } from "../../core/errors.ts";
import { roundToBf16 } from "../checkpoint/bf16.ts";
import { type Dtype, toFloats } from "../checkpoint/safetensors.ts";

/** What weights may be written as; `q8_0` is GGUF's alone. */
export const WEIGHT_TYPES = ["f32", "f16", "bf16", "q8_0"] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];

/** Values of a block of q8_0, which share one scale. */
export const Q8_BLOCK = 32;
const Q8_BLOCK_BYTES = 2 + Q8_BLOCK;

/** A stretch of a tensor as it is stored. */
export interface StoredValues {
  readonly dtype: Dtype;
  readonly bytes: Uint8Array;
}

/** The type that stored values have already. */
export const STORED_AS: Readonly<Record<Dtype, Exclude<WeightType, "q8_0">>> = { F32: "f32", F16: "f16", BF16: "bf16" };

/** Bytes of so many values; for q8_0 a multiple of {@link Q8_BLOCK} of them. */
export function bytesAs(type: WeightType, values: number): number {
  if (type === "q8_0") return (values / Q8_BLOCK) * Q8_BLOCK_BYTES;
  return values * (type === "f32" ? 4 : 2);
}

/**
 * Values in another type; those that have it already pass as they are.
 *
 * @param where name of the tensor, for the message
 * @throws AppError "limit-exceeded" where a finite value is too large for f16, or a value for q8_0 is not finite.
 */
export function convertValues(stored: StoredValues, type: WeightType, where: string): Uint8Array {
  if (STORED_AS[stored.dtype] === type) return stored.bytes;
  return encodeValues(floatsOf(stored), type, where);
}

/** Stored values as 32-bit floats; a view where they are F32 and aligned. */
export function floatsOf({ dtype, bytes }: StoredValues): Float32Array {
  return toFloats(bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes), dtype);
}

/** Values as bytes of a type. Throws as {@link convertValues}. */
export function encodeValues(values: Float32Array, type: WeightType, where: string): Uint8Array {
  if (type === "f32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === "q8_0") return encodeQ8(values, where);
  if (type === "bf16") return new Uint8Array(roundToBf16(values).buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let at = 0; at < bits.length; at++) {
    const half = halfBits(bits[at] ?? 0);
    if ((half & 0x7fff) === 0x7c00 && Number.isFinite(values[at])) throw tooLarge(values[at] ?? 0, where);
    halves[at] = half;
  }
  return new Uint8Array(halves.buffer);
}

/** The nearest IEEE 754 binary16 of a float's bits, ties to even; too large is infinite. */
export function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // no number
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65,520 and more
  if (magnitude >= 0x38800000) {
    // normal: the exponent's bias is 112 less, and 13 bits of the fraction go
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign; // less than half of the smallest
  const shift = 126 - exponent; // 14 to 24 bits of the fraction go
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** ggml's q8_0: per 32 values a scale in f16 and 32 signed bytes; halves are rounded away from zero. */
function encodeQ8(values: Float32Array, where: string): Uint8Array {
  const bytes = new Uint8Array(bytesAs("q8_0", values.length));
  const view = new DataView(bytes.buffer);
  for (let block = 0, at = 0; at < values.length; block += Q8_BLOCK_BYTES, at += Q8_BLOCK) {
    let largest = 0;
    for (let i = at; i < at + Q8_BLOCK; i++) {
      const size = Math.abs(values[i] ?? 0);
      if (!(size <= largest)) largest = size; // also where it is no number
    }
    const scale = Math.fround(largest / 127);
    scratch[0] = scale;
    const half = halfBits(scratchBits[0] ?? 0);
    if (!Number.isFinite(largest) || half === 0x7c00) throw tooLarge(largest, where);
    view.setUint16(block, half, true);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    for (let i = 0; i < Q8_BLOCK; i++) {
      const scaled = Math.fround((values[at + i] ?? 0) * inverse);
      bytes[block + 2 + i] = Math.sign(scaled) * Math.floor(Math.fround(Math.abs(scaled) + 0.5));
    }
  }
  return bytes;
}

function tooLarge(value: number, where: string): AppError {
  return new AppError("limit-exceeded", `${where}: a weight of ${value} does not fit the type asked for`, {
    hint: "write bf16 or f32, which hold it",
    data: { tensor: where, value: String(value) },
  });
}
