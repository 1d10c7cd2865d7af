/**
 * @file The key-value cache of decoding and attention over it. A slot's kv head owns one block of 2 x capacity x headSize
 * floats: its keys in panels of eight, as a tile of scores reads them, then its values row by row. So a query streams
 * through memory once for all heads that share it, and nothing is packed again. Sums as in attention.ts, to the bit.
 */
import { KEYS, QUERIES, SCORE_BYTES, attendBlock, divideRow, softenRow } from "./attention";
import { scratch } from "./scratch";
import { multiplyAdd, scorePair } from "./strided";

/** See `Kernels.appendKeyValues`. */
export function appendKeyValues(
  source: usize,
  sourceStride: i32,
  cache: usize,
  capacity: i32,
  slots: usize,
  positions: usize,
  kvHeads: i32,
  headSize: i32,
  from: i32,
  to: i32,
): void {
  const half = (<usize>(capacity * headSize)) << 2;
  const headBytes = (<usize>headSize) << 2;
  for (let row = from; row < to; row++) {
    const slot = load<i32>(slots + ((<usize>row) << 2));
    const position = load<i32>(positions + ((<usize>row) << 2));
    let keys = source + ((<usize>row * sourceStride) << 2);
    let values = keys + <usize>kvHeads * headBytes;
    let block = cache + <usize>(slot * kvHeads) * 2 * half;
    for (let head = 0; head < kvHeads; head++) {
      let target = block + ((<usize>((position & ~7) * headSize + (position & 7))) << 2);
      for (let d: usize = 0; d < headBytes; d += 4) {
        store<f32>(target, load<f32>(keys + d));
        target += 32;
      }
      memory.copy(block + half + <usize>position * headBytes, values, headBytes);
      keys += headBytes;
      values += headBytes;
      block += 2 * half;
    }
  }
}

/** See `Kernels.cachedAttention`. */
export function cachedAttention(
  q: usize,
  qStride: i32,
  cache: usize,
  capacity: i32,
  out: usize,
  outStride: i32,
  segments: usize,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  from: i32,
  to: i32,
): void {
  const group = heads / kvHeads;
  const headBytes = (<usize>headSize) << 2;
  const half = <usize>capacity * headBytes;
  const qRow = (<usize>qStride) << 2;
  const outRow = (<usize>outStride) << 2;
  for (let item = from; item < to; item++) {
    const kvHead = item % kvHeads;
    const segment = segments + ((<usize>(item / kvHeads)) << 4);
    const start = <usize>load<i32>(segment);
    const queries = load<i32>(segment, 4);
    const keys = cache + <usize>(load<i32>(segment, 8) * kvHeads + kvHead) * 2 * half;
    const length = load<i32>(segment, 12);
    const headAt = <usize>(kvHead * group) * headBytes;
    const query = q + start * qRow + headAt;
    const target = out + start * outRow + headAt;
    if (queries === 1) {
      attendOnce(query, keys, keys + half, target, group, length, headSize);
      continue;
    }
    for (let head = 0; head < group; head++) {
      const at = <usize>head * headBytes;
      for (let i = 0; i < queries; i += QUERIES) {
        attendBlock(
          query + <usize>i * qRow + at,
          qRow,
          0,
          0,
          keys,
          keys + half,
          headBytes,
          target + <usize>i * outRow + at,
          outRow,
          0,
          0,
          min(QUERIES, queries - i),
          length - queries + i,
          headSize,
        );
      }
    }
  }
}

/** One position's query of all heads that share a kv head; they stand one after another in `q` and `out`. */
function attendOnce(q: usize, panels: usize, values: usize, out: usize, group: i32, length: i32, headSize: i32): void {
  const headBytes = (<usize>headSize) << 2;
  // Scores come in pairs of rows; the last may be a row that nobody reads.
  const scores = scratch(<usize>(group + 1) * SCORE_BYTES + ((<usize>group) << 3));
  const maxima = scores + <usize>(group + 1) * SCORE_BYTES;
  const sums = maxima + ((<usize>group) << 2);
  const scale: f32 = 1 / sqrt<f32>(<f32>headSize);
  for (let head = 0; head < group; head++) {
    store<f32>(maxima + ((<usize>head) << 2), -Infinity);
    store<f32>(sums + ((<usize>head) << 2), 0);
  }
  memory.fill(out, 0, <usize>group * headBytes);
  for (let key = 0; key < length; key += KEYS) {
    const visible = min(KEYS, length - key);
    for (let head = 0; head < group; head += 2) {
      const first = q + <usize>head * headBytes;
      const second = head + 1 < group ? first + headBytes : first;
      const row = scores + <usize>head * SCORE_BYTES;
      for (let j = 0; j < visible; j += 16) {
        const panel = panels + <usize>(key + j) * headBytes;
        scorePair(first, second, panel, row + ((<usize>j) << 2), SCORE_BYTES, headSize);
      }
    }
    for (let head = 0; head < group; head++) {
      const at = (<usize>head) << 2;
      const row = scores + <usize>head * SCORE_BYTES;
      softenRow(row, visible, scale, maxima + at, sums + at, out + <usize>head * headBytes, headSize);
    }
    const block = values + <usize>key * headBytes;
    multiplyAdd(scores, SCORE_BYTES, 4, block, headBytes, out, headBytes, group, headSize, visible);
  }
  for (let head = 0; head < group; head++)
    divideRow(out + <usize>head * headBytes, headSize, load<f32>(sums + ((<usize>head) << 2)));
}
