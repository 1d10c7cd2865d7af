/** @file A model's weights as a GGUF file, a stretch at a time. */
import { aligned, encodeGgufHead, type GgufMetadata, tensorBytes } from "../../student/export/gguf-file.ts";
import { pairRows, type PlannedTensor } from "../../student/export/gguf-model.ts";
import { bytesAs, convertValues, encodeValues } from "../../student/export/weight-types.ts";
import { writeBytes, type WriteBytes, type WrittenBytes } from "./byte-writer.ts";
import { rowLength, stretches, type WeightSource } from "./weight-source.ts";

/** What goes into the file, and who is told of it. */
export interface GgufContent {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly PlannedTensor[];
  readonly source: WeightSource;
  readonly signal: AbortSignal;
  /** Told of bytes written so far and in all. */
  readonly progress: (done: number, total: number) => void;
}

/** Writes the file. Throws AppError as the source, the conversions and the disk do; the signal's reason once it is aborted. */
export async function writeGguf(path: string, content: GgufContent): Promise<WrittenBytes> {
  const { metadata, tensors, signal, progress } = content;
  const head = encodeGgufHead(metadata, tensors);
  const total = head.bytes.length + head.dataBytes;
  return await writeBytes(path, async (put) => {
    let done = 0;
    const counted: WriteBytes = async (bytes) => {
      signal.throwIfAborted();
      await put(bytes);
      progress((done += bytes.length), total);
    };
    await counted(head.bytes);
    for (const tensor of tensors) {
      await writeTensor(tensor, content.source, counted);
      const bytes = tensorBytes(tensor);
      if (aligned(bytes) > bytes) await counted(new Uint8Array(aligned(bytes) - bytes));
    }
  });
}

async function writeTensor({ name, type, shape, from }: PlannedTensor, source: WeightSource, put: WriteBytes) {
  if (from.kind === "values") return await put(encodeValues(from.values, type, name));
  const rowBytes = bytesAs(type, rowLength(shape));
  for (const { first, rows } of stretches({ shape, dtype: "F32" }, from.pairedRows ?? 1)) {
    const bytes = convertValues(await source.read(from.name, first, rows), type, from.name);
    await put(from.pairedRows === null ? bytes : pairRows(bytes, rowBytes, from.pairedRows));
  }
}
