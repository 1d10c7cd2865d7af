/**
 * @file The safetensors container: named tensors as bytes, in and out. Eight bytes of header length (little-endian), a
 * JSON header, then the tensors' bytes without holes. Reads F32 and F16 into F32, BF16 into F32 or as it is; writes F32 and BF16.
 *
 * @source https://github.com/huggingface/safetensors#format; byte order is little-endian, as on every machine that Node
 * has builds for today.
 */
import { z } from "zod";
import { AppError, invariant } from "../../core/errors.ts";
import { widenBf16 } from "./bf16.ts";

/** Tensors by name; `data` is row-major and as long as the product of `shape`. */
export type NamedTensors = Map<string, { shape: readonly number[]; data: Float32Array }>;

/** Tensors as they stand in a file or in memory: f32, or bf16 as its bits in a Uint16Array (see bf16.ts). */
export type StoredTensors = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array | Uint16Array }
>;

/** Longest header read, bytes; Qwen2.5-32B's shards have 14 kB each. */
const MAX_HEADER_BYTES = 1 << 24;
/** Bytes of one value. */
export const BYTES_PER_VALUE = { F32: 4, F16: 2, BF16: 2 } as const;
/** Types of values that are read. */
export type Dtype = keyof typeof BYTES_PER_VALUE;

const Entry = z.strictObject({
  dtype: z.enum(["F32", "F16", "BF16"]),
  shape: z.array(z.int().min(0)).max(8),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
type Entry = z.infer<typeof Entry>;

function corrupt(detail: string, cause?: unknown): AppError {
  return new AppError("checkpoint-corrupt", `safetensors: ${detail}`, {
    hint: "copy or make the checkpoint again",
    cause,
  });
}

/** A tensor's place in a file: bytes [begin, end) after the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The tensors of a safetensors file, as f32.
 *
 * @throws {AppError} checkpoint-corrupt, saying what and where: truncation, a header that is too long or not valid,
 *   unknown value types, shapes that do not match their bytes, overlaps and holes.
 */
export function decodeSafetensors(bytes: Uint8Array): NamedTensors {
  const dataStart = headerEnd(bytes, bytes.length);
  const entries = readEntries(bytes.subarray(8, dataStart), bytes.length - dataStart);
  const tensors: NamedTensors = new Map();
  for (const { name, dtype, shape, begin, end } of entries) {
    // A copy: the values must start on four bytes, which the file does not promise. (A Buffer's slice would be a view.)
    const values = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(name, { shape, data: toFloats(values, dtype) });
  }
  return tensors;
}

/**
 * Where a file's header ends and its values begin, from its first eight bytes.
 *
 * @throws {AppError} checkpoint-corrupt: a header that is too long, or longer than the file of `fileBytes`
 */
export function headerEnd(start: Uint8Array, fileBytes: number): number {
  if (start.length < 8) throw corrupt(`truncated: ${start.length} bytes, not even the header's length`);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) throw corrupt(`header of ${length} bytes exceeds the limit of ${MAX_HEADER_BYTES}`);
  const dataStart = 8 + Number(length);
  if (dataStart > fileBytes) throw corrupt(`truncated: the header ends at byte ${dataStart}, the file at ${fileBytes}`);
  return dataStart;
}

/**
 * The tensors that a header names, in the order of their bytes, which they tile.
 *
 * @throws {AppError} checkpoint-corrupt, as {@link decodeSafetensors}
 */
export function readEntries(headerJson: Uint8Array, dataBytes: number): readonly TensorEntry[] {
  const entries = Object.entries(parseHeader(headerJson))
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]): TensorEntry => {
      const { dtype, shape, data_offsets: offsets } = checkEntry(name, value);
      return { name, dtype, shape, begin: offsets[0], end: offsets[1] };
    })
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, dataBytes);
  return entries;
}

/** A tensor's values from its own bytes, which start a buffer; BF16 stays as it is. */
export function storedValues(bytes: Uint8Array, { dtype }: TensorEntry): Float32Array | Uint16Array {
  return dtype === "BF16" ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : toFloats(bytes, dtype);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (header !== null && typeof header === "object" && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (error) {
    throw corrupt("the header is not JSON in UTF-8", error);
  }
  throw corrupt("the header is not a JSON object");
}

function checkEntry(name: string, value: unknown): Entry {
  const where = `tensor ${JSON.stringify(name.slice(0, 200))}`;
  const result = Entry.safeParse(value);
  if (!result.success)
    throw corrupt(
      `${where}: ${result.error.issues
        .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
        .join("; ")
        .slice(0, 300)}`,
    );
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = result.data;
  const expected = shape.reduce((product, extent) => product * extent, BYTES_PER_VALUE[dtype]);
  if (end - begin !== expected)
    throw corrupt(
      `${where}: ${dtype} of shape [${shape.join(", ")}] needs ${expected} bytes, its offsets [${begin}, ${end}] give ${end - begin}`,
    );
  return result.data;
}

/** Tensors, ordered by their offsets, must tile the data exactly. */
function checkLayout(entries: readonly TensorEntry[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    const where = `tensor ${JSON.stringify(name.slice(0, 200))}`;
    if (begin < covered)
      throw corrupt(`${where} starts at byte ${begin}, inside the tensor before it, which ends at ${covered}`);
    if (begin > covered)
      throw corrupt(`${where} starts at byte ${begin}, but bytes from ${covered} on belong to no tensor`);
    if (end > dataBytes) throw corrupt(`truncated: ${where} ends at byte ${end} of the data, which has ${dataBytes}`);
    covered = end;
  }
  if (covered !== dataBytes) throw corrupt(`${dataBytes - covered} bytes after the last tensor belong to no tensor`);
}

/** Stored values as 32-bit floats; `bytes` must start on four bytes for F32, on two for the others. */
export function toFloats(bytes: Uint8Array, dtype: Dtype): Float32Array {
  if (dtype === "F32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  if (dtype === "BF16") return widenBf16(halves);
  // A plain loop over a table: sums and powers for each value take thirty times as long, minutes of a large model's.
  halfValues ??= Float32Array.from({ length: 1 << 16 }, (_, half) => halfToFloat(half));
  const values = new Float32Array(halves.length);
  for (let at = 0; at < values.length; at++) values[at] = halfValues[halves[at] ?? 0] ?? 0;
  return values;
}

/** What each of the 65,536 halves is; made once somebody needs it. */
let halfValues: Float32Array | undefined;

/** IEEE 754 binary16 to a number: 1 sign, 5 exponent and 10 fraction bits. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * A safetensors file of F32 and BF16 tensors. The same tensors give the same bytes: names are in code-unit order, whatever the
 * map's order, and so is the metadata.
 *
 * @param metadata Texts for the header; `format: "pt"` is what transformers wants to see.
 */
export function encodeSafetensors(
  tensors: StoredTensors,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array {
  const ordered = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const sortedMetadata = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  let offset = 0;
  const entries = ordered.map(([name, { shape, data }]): [string, unknown] => {
    invariant(
      data.length === shape.reduce((product, extent) => product * extent, 1),
      `${name}: ${data.length} values for shape [${shape.join(", ")}]`,
    );
    const begin = offset;
    offset += data.byteLength;
    const dtype: Dtype = data instanceof Uint16Array ? "BF16" : "F32";
    return [name, { dtype, shape, data_offsets: [begin, offset] }];
  });
  const json = JSON.stringify(Object.fromEntries([["__metadata__", sortedMetadata], ...entries]));
  const header = new TextEncoder().encode(json);
  // Spaces up to a multiple of eight, so that the values are aligned for readers that map the file.
  const dataStart = 8 + Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(dataStart + offset).fill(32, 0, dataStart);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  bytes.set(header, 8);
  let at = dataStart;
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
