/**
 * @file The head of a GGUF file, version 3: metadata, then where each tensor lies. The tensors' bytes follow, each from a
 * multiple of the alignment on. Little-endian.
 *
 * @source https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { invariant } from "../../core/errors.ts";
import { bytesAs, type WeightType } from "./weight-types.ts";

/** A value of the metadata; numbers need their type said. */
export type GgufValue =
  | { readonly type: "u32" | "i32" | "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "texts"; readonly value: readonly string[] }
  | { readonly type: "i32s"; readonly value: readonly number[] };

/** Metadata in the order in which it is written. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** A tensor as the head describes it; `shape` has the rows first, as in a checkpoint. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: WeightType;
}

/** The head's bytes, padded up to the first tensor, and where each tensor begins behind it. */
export interface GgufHead {
  readonly bytes: Uint8Array;
  /** Bytes from the end of the head, in the order of the tensors. */
  readonly offsets: readonly number[];
  /** Bytes of all tensors with what stands between them. */
  readonly dataBytes: number;
}

/** Tensors begin at multiples of so many bytes; the format's default. */
export const GGUF_ALIGNMENT = 32;
const VERSION = 3;
const MAGIC = 0x46554747; // "GGUF"
const VALUE_TYPES = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, array: 9 } as const;
const TENSOR_TYPES: Readonly<Record<WeightType, number>> = { f32: 0, f16: 1, q8_0: 8, bf16: 30 };

/** Bytes of a tensor. */
export function tensorBytes({ shape, type }: Pick<GgufTensor, "shape" | "type">): number {
  return bytesAs(
    type,
    shape.reduce((product, extent) => product * extent, 1),
  );
}

/** `bytes` up to the next multiple of the alignment. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;
}

/** The head of a file with this metadata and these tensors, in this order. */
export function encodeGgufHead(metadata: GgufMetadata, tensors: readonly GgufTensor[]): GgufHead {
  invariant(new Set(tensors.map(({ name }) => name)).size === tensors.length, "two GGUF tensors of one name");
  const out = new Growing();
  out.u32(MAGIC);
  out.u32(VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.text(key);
    writeValue(out, value);
  }
  const offsets: number[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    offsets.push(offset);
    writeTensor(out, tensor, offset);
    offset += aligned(tensorBytes(tensor));
  }
  return { bytes: out.padded(), offsets, dataBytes: offset };
}

function writeTensor(out: Growing, { name, shape, type }: GgufTensor, offset: number): void {
  out.text(name);
  out.u32(shape.length);
  for (const extent of [...shape].reverse()) out.u64(extent); // the fastest dimension first
  out.u32(TENSOR_TYPES[type]);
  out.u64(offset);
}

function writeValue(out: Growing, value: GgufValue): void {
  switch (value.type) {
    case "texts":
      writeArrayHead(out, VALUE_TYPES.text, value.value.length);
      for (const text of value.value) out.text(text);
      return;
    case "i32s":
      writeArrayHead(out, VALUE_TYPES.i32, value.value.length);
      for (const number of value.value) out.i32(number);
      return;
    case "text":
      out.u32(VALUE_TYPES.text);
      return out.text(value.value);
    case "bool":
      out.u32(VALUE_TYPES.bool);
      return out.u8(value.value ? 1 : 0);
    default:
      out.u32(VALUE_TYPES[value.type]);
      return out[value.type](value.value);
  }
}

function writeArrayHead(out: Growing, itemType: number, length: number): void {
  out.u32(VALUE_TYPES.array);
  out.u32(itemType);
  out.u64(length);
}

/** Bytes that grow at their end. */
class Growing {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  readonly #encoder = new TextEncoder();

  u8(value: number): void {
    this.#room(1).setUint8(0, value);
  }
  u32(value: number): void {
    this.#room(4).setUint32(0, value, true);
  }
  i32(value: number): void {
    this.#room(4).setInt32(0, value, true);
  }
  f32(value: number): void {
    this.#room(4).setFloat32(0, value, true);
  }
  u64(value: number): void {
    this.#room(8).setBigUint64(0, BigInt(value), true);
  }
  text(text: string): void {
    const bytes = this.#encoder.encode(text);
    this.u64(bytes.length);
    const { buffer, byteOffset } = this.#room(bytes.length);
    new Uint8Array(buffer, byteOffset, bytes.length).set(bytes);
  }
  /** What was written, with zeros up to the alignment. */
  padded(): Uint8Array {
    this.#room(aligned(this.#length) - this.#length);
    return this.#bytes.slice(0, this.#length);
  }

  /** So many bytes more, all zero. */
  #room(bytes: number): DataView {
    const start = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return new DataView(this.#bytes.buffer, start, bytes);
  }
}
