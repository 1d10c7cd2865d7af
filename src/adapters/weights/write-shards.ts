/** @file A model's weights as safetensors in Hugging Face's layout: one file, or shards with an index of them. */
import { join } from "node:path";
import type { Dtype } from "../../student/checkpoint/safetensors.ts";
import { bytesAs, convertValues, STORED_AS, type WeightType } from "../../student/export/weight-types.ts";
import { writeBytes } from "./byte-writer.ts";
import { stretches, type WeightSource, type WeightTensor } from "./weight-source.ts";

/** What to write, and who is told of it. */
export interface ShardContent {
  readonly source: WeightSource;
  /** Null: each tensor in the type that it has. */
  readonly type: Exclude<WeightType, "q8_0"> | null;
  /** Tensors left out: a tied head. */
  readonly leftOut: ReadonlySet<string>;
  /** Most bytes of a file, but for a tensor that is larger. */
  readonly shardBytes: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

/** A file that was written. */
export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Most bytes of a shard, as transformers has long written them; also what the hub takes at once. */
export const SHARD_BYTES = 5_000_000_000;

interface Placed {
  readonly name: string;
  readonly tensor: WeightTensor;
  readonly type: Exclude<WeightType, "q8_0">;
  readonly bytes: number;
}

const DTYPES: Readonly<Record<Exclude<WeightType, "q8_0">, Dtype>> = { f32: "F32", f16: "F16", bf16: "BF16" };

/** Writes the weights into a folder; the same source gives the same bytes. Throws AppError as source, types and disk do. */
export async function writeShards(folder: string, content: ShardContent): Promise<WrittenFile[]> {
  const shards = shardsOf(content);
  const total = shards.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  const nameOf = (index: number): string =>
    shards.length === 1
      ? "model.safetensors"
      : `model-${numbered(index + 1)}-of-${numbered(shards.length)}.safetensors`;
  const written: WrittenFile[] = [];
  let before = 0;
  for (const [index, shard] of shards.entries()) {
    const path = nameOf(index);
    written.push({ path, ...(await writeShard(join(folder, path), shard, { ...content, before, total })) });
    before += shard.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  if (shards.length === 1) return written;
  const map = shards.flatMap((shard, index) => shard.map(({ name }) => [name, nameOf(index)] as const));
  const text = `${JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(map.sort(([a], [b]) => (a < b ? -1 : 1))) }, null, 2)}\n`;
  const path = "model.safetensors.index.json";
  const index = await writeBytes(join(folder, path), (put) => put(new TextEncoder().encode(text)));
  return [...written, { path, ...index }];
}

const numbered = (index: number): string => String(index).padStart(5, "0");

function shardsOf({ source, type, leftOut, shardBytes }: ShardContent): Placed[][] {
  const shards: Placed[][] = [[]];
  let bytesOfLast = 0;
  for (const [name, tensor] of source.tensors) {
    if (leftOut.has(name)) continue;
    const kept = type ?? STORED_AS[tensor.dtype];
    const bytes = bytesAs(
      kept,
      tensor.shape.reduce((product, extent) => product * extent, 1),
    );
    if (bytesOfLast > 0 && bytesOfLast + bytes > shardBytes) {
      shards.push([]);
      bytesOfLast = 0;
    }
    shards.at(-1)?.push({ name, tensor, type: kept, bytes });
    bytesOfLast += bytes;
  }
  return shards;
}

interface ShardWriting extends ShardContent {
  readonly before: number;
  readonly total: number;
}

async function writeShard(path: string, shard: readonly Placed[], writing: ShardWriting) {
  const { source, signal, progress, before, total } = writing;
  return await writeBytes(path, async (put) => {
    await put(headerOf(shard));
    let done = before;
    for (const { name, tensor, type } of shard)
      for (const { first, rows } of stretches(tensor)) {
        signal.throwIfAborted();
        const bytes = convertValues(await source.read(name, first, rows), type, name);
        await put(bytes);
        progress((done += bytes.length), total);
      }
  });
}

/** Tensors in the order of their bytes; spaces up to a multiple of eight, so that the values are aligned. */
function headerOf(shard: readonly Placed[]): Uint8Array {
  let offset = 0;
  const entries = shard.map(({ name, tensor: { shape }, type, bytes }) => {
    const begin = offset;
    offset += bytes;
    return [name, { dtype: DTYPES[type], shape, data_offsets: [begin, offset] }] as const;
  });
  const json = new TextEncoder().encode(
    JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) }),
  );
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(32);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  return head;
}
