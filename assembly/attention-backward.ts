/** @file Causal attention, backward, as five small matrix products over blocks of 64 queries x 64 keys (Dao 2022, B). */
import { packRowsAsPanels } from "./attention";
import { Exp } from "./exp";
import { Lane } from "./lane";
import { scratch } from "./scratch";
import { multiplyAdd, scoreTile } from "./strided";

/** Queries and keys in a block: its weights and their gradients stay in L1 or L2. */
const BLOCK: i32 = 64;
const ROW_BYTES: usize = <usize>(BLOCK << 2);
const BLOCK_BYTES: usize = <usize>BLOCK * ROW_BYTES;

/** See `Kernels.attentionBackward`. */
export function attentionBackward(
  q: usize,
  qStride: i32,
  k: usize,
  v: usize,
  kvStride: i32,
  out: usize,
  dout: usize,
  outStride: i32,
  lse: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  segments: usize,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  from: i32,
  to: i32,
): void {
  const qRow = (<usize>qStride) << 2;
  const kvRow = (<usize>kvStride) << 2;
  const outRow = (<usize>outStride) << 2;
  const group = heads / kvHeads;
  for (let item = from; item < to; item++) {
    const kvHead = item % kvHeads;
    const segment = segments + ((<usize>(item / kvHeads)) << 4);
    const start = <usize>load<i32>(segment);
    const length = load<i32>(segment, 4);
    const kv = start * kvRow + ((<usize>kvHead * headSize) << 2);
    clearRows(dk + kv, kvRow, length, headSize);
    clearRows(dv + kv, kvRow, length, headSize);
    for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
      const headAt = (<usize>head * headSize) << 2;
      const query = start * qRow + headAt;
      const output = start * outRow + headAt;
      clearRows(dq + query, qRow, length, headSize);
      backwardHead(
        q + query,
        dq + query,
        qRow,
        k + kv,
        v + kv,
        dk + kv,
        dv + kv,
        kvRow,
        out + output,
        dout + output,
        outRow,
        lse + ((start * heads + head) << 2),
        (<usize>heads) << 2,
        length,
        headSize,
      );
    }
  }
}

function clearRows(x: usize, rowBytes: usize, rows: i32, width: i32): void {
  for (let row = 0; row < rows; row++) memory.fill(x + <usize>row * rowBytes, 0, (<usize>width) << 2);
}

/** One query head of one segment: blocks of queries outermost, so that their deltas are computed once. */
function backwardHead(
  q: usize,
  dq: usize,
  qRow: usize,
  k: usize,
  v: usize,
  dk: usize,
  dv: usize,
  kvRow: usize,
  out: usize,
  dout: usize,
  outRow: usize,
  lse: usize,
  lseRow: usize,
  length: i32,
  headSize: i32,
): void {
  const panelBytes = (<usize>(BLOCK * headSize)) << 2;
  const weights = scratch(2 * BLOCK_BYTES + ROW_BYTES + 2 * panelBytes);
  const slopes = weights + BLOCK_BYTES;
  const deltas = slopes + BLOCK_BYTES;
  const keyPanels = deltas + ROW_BYTES;
  const valuePanels = keyPanels + panelBytes;
  for (let i = 0; i < length; i += BLOCK) {
    const queries = min(BLOCK, length - i);
    const queryAt = <usize>i * qRow;
    const outAt = <usize>i * outRow;
    for (let r = 0; r < queries; r++) {
      const at = outAt + <usize>r * outRow;
      store<f32>(deltas + ((<usize>r) << 2), dot(out + at, dout + at, headSize));
    }
    for (let j = 0; j <= i; j += BLOCK) {
      const keys = min(BLOCK, length - j);
      const keyAt = <usize>j * kvRow;
      packRowsAsPanels(k + keyAt, kvRow, keys, headSize, keyPanels);
      packRowsAsPanels(v + keyAt, kvRow, keys, headSize, valuePanels);
      for (let r = 0; r < queries; r += 4) {
        const rows = min(4, queries - r);
        const most = min(keys, i - j + r + rows);
        const at = <usize>r * ROW_BYTES;
        const query = queryAt + <usize>r * qRow;
        for (let c = 0; c < most; c += 8) {
          const panel = (<usize>(c * headSize)) << 2;
          const tile = at + ((<usize>c) << 2);
          scoreTile(q + query, qRow, rows, keyPanels + panel, weights + tile, ROW_BYTES, headSize);
          scoreTile(
            dout + outAt + <usize>r * outRow,
            outRow,
            rows,
            valuePanels + panel,
            slopes + tile,
            ROW_BYTES,
            headSize,
          );
        }
        for (let row = 0; row < rows; row++) {
          const line = <usize>(r + row);
          const logSum = load<f32>(lse + (<usize>i + line) * lseRow);
          weighRow(
            weights + line * ROW_BYTES,
            slopes + line * ROW_BYTES,
            min(keys, i - j + r + row + 1),
            most,
            logSum,
            load<f32>(deltas + (line << 2)),
            headSize,
          );
        }
        multiplyAdd(slopes + at, ROW_BYTES, 4, k + keyAt, kvRow, dq + query, qRow, rows, headSize, most);
      }
      // Keys below the diagonal see all queries of the block; on it, tile c sees queries from c on.
      for (let c = 0; c < keys; c += 4) {
        const first = j === i ? c : 0;
        const rows = min(4, keys - c);
        const tile = <usize>first * ROW_BYTES + ((<usize>c) << 2);
        const target = keyAt + <usize>c * kvRow;
        const skipped = <usize>first;
        multiplyAdd(
          weights + tile,
          4,
          ROW_BYTES,
          dout + outAt + skipped * outRow,
          outRow,
          dv + target,
          kvRow,
          rows,
          headSize,
          queries - first,
        );
        multiplyAdd(
          slopes + tile,
          4,
          ROW_BYTES,
          q + queryAt + skipped * qRow,
          qRow,
          dk + target,
          kvRow,
          rows,
          headSize,
          queries - first,
        );
      }
    }
  }
}

/** From scores and dout . v of one query: weights p = e^(s scale - lse) and p (dp - delta) scale; zeros past `visible`. */
function weighRow(scores: usize, slopes: usize, visible: i32, most: i32, logSum: f32, delta: f32, headSize: i32): void {
  const scale = f32x4.splat(1 / sqrt<f32>(<f32>headSize));
  const logSums = f32x4.splat(logSum);
  const deltas = f32x4.splat(delta);
  const end = (<usize>visible) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const weight = Exp.of(f32x4.sub(f32x4.mul(v128.load(scores + at), scale), logSums));
    v128.store(scores + at, weight);
    v128.store(slopes + at, f32x4.mul(f32x4.mul(weight, f32x4.sub(v128.load(slopes + at), deltas)), scale));
  }
  // Tiles read up to the next multiple of four after the longest of their rows.
  const stop = (<usize>((most + 3) & ~3)) << 2;
  for (let at = end; at < stop; at += 4) {
    store<f32>(scores + at, 0);
    store<f32>(slopes + at, 0);
  }
}

function dot(a: usize, b: usize, count: i32): f32 {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) sum = Lane.madd(v128.load(a + i), v128.load(b + i), sum);
  return Lane.sum(sum);
}
