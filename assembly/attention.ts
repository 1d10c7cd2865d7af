/**
 * @file Causal attention, forward: blocks of keys with a running maximum and sum per query (Milakov & Gimelshein 2018;
 * Dao 2022). Blocks start at fixed keys of the segment and every sum ascends over keys, so a query's result is the same
 * bits whether it is computed alone (decoding) or among others (prefill).
 */
import { Exp, naturalLog } from "./exp";
import { packElements, transposeColumns } from "./panels";
import { scratch } from "./scratch";
import { multiplyAdd, scoreTile } from "./strided";

/** Keys in a block: results depend on it, so it is fixed. */
export const KEYS: i32 = 128;
/** Bytes of one row of scores. */
export const SCORE_BYTES: usize = <usize>(KEYS << 2);
/** Queries that share one packed block of keys. */
export const QUERIES: i32 = 256;
const STATE_BYTES: usize = <usize>(QUERIES << 2);

/** See `Kernels.attentionForward`. */
export function attentionForward(
  q: usize,
  qStride: i32,
  k: usize,
  v: usize,
  kvStride: i32,
  out: usize,
  outStride: i32,
  lse: usize,
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
  for (let item = from; item < to; item++) {
    const head = item % heads;
    const kvAt = <usize>((head * kvHeads) / heads) * headSize;
    const segment = segments + ((<usize>(item / heads)) << 4);
    const queryStart = <usize>load<i32>(segment);
    const queryLength = load<i32>(segment, 4);
    const keyRow = <usize>load<i32>(segment, 8) * kvRow + (kvAt << 2);
    const past = load<i32>(segment, 12) - queryLength;
    const headAt = (<usize>head * headSize) << 2;
    for (let i = 0; i < queryLength; i += QUERIES) {
      const row = queryStart + <usize>i;
      const logSums = lse !== 0 ? lse + ((row * heads + head) << 2) : 0;
      attendBlock(
        q + row * qRow + headAt,
        qRow,
        k + keyRow,
        kvRow,
        0,
        v + keyRow,
        kvRow,
        out + row * outRow + headAt,
        outRow,
        logSums,
        (<usize>heads) << 2,
        min(QUERIES, queryLength - i),
        past + i,
        headSize,
      );
    }
  }
}

/**
 * Up to QUERIES queries of one head; query i sees keys 0 .. past + i. Keys are rows (`k`, `kRow` bytes apart), or, when
 * `keyPanels` is not 0, already packed as `packRowsAsPanels` would.
 */
export function attendBlock(
  q: usize,
  qRow: usize,
  k: usize,
  kRow: usize,
  keyPanels: usize,
  v: usize,
  vRow: usize,
  out: usize,
  outRow: usize,
  lse: usize,
  lseRow: usize,
  queries: i32,
  past: i32,
  headSize: i32,
): void {
  const scores = scratch(4 * SCORE_BYTES + 2 * STATE_BYTES + SCORE_BYTES * headSize);
  const maxima = scores + 4 * SCORE_BYTES;
  const sums = maxima + STATE_BYTES;
  const packed = sums + STATE_BYTES;
  const scale: f32 = 1 / sqrt<f32>(<f32>headSize);
  for (let i = 0; i < queries; i++) {
    store<f32>(maxima + ((<usize>i) << 2), -Infinity);
    store<f32>(sums + ((<usize>i) << 2), 0);
    memory.fill(out + <usize>i * outRow, 0, (<usize>headSize) << 2);
  }
  for (let key = 0; key < past + queries; key += KEYS) {
    const values = v + <usize>key * vRow;
    const panels = keyPanels !== 0 ? keyPanels + ((<usize>(key * headSize)) << 2) : packed;
    if (keyPanels === 0)
      packRowsAsPanels(k + <usize>key * kRow, kRow, min(KEYS, past + queries - key), headSize, packed);
    for (let i = 0; i < queries; i += 4) {
      const rows = min(4, queries - i);
      const most = min(KEYS, past + i + rows - key);
      if (most <= 0) continue;
      const query = q + <usize>i * qRow;
      const state = (<usize>i) << 2;
      const target = out + <usize>i * outRow;
      for (let j = 0; j < most; j += 8) {
        const panel = panels + ((<usize>(j * headSize)) << 2);
        scoreTile(query, qRow, rows, panel, scores + ((<usize>j) << 2), SCORE_BYTES, headSize);
      }
      for (let r = 0; r < rows; r++) {
        const visible = min(KEYS, past + i + r + 1 - key);
        if (visible > 0) {
          softenRow(
            scores + <usize>r * SCORE_BYTES,
            visible,
            scale,
            maxima + state + ((<usize>r) << 2),
            sums + state + ((<usize>r) << 2),
            target + <usize>r * outRow,
            headSize,
          );
        }
      }
      addValues(scores, values, vRow, target, outRow, rows, past + i + 1 - key, headSize);
    }
  }
  for (let i = 0; i < queries; i++) {
    const total = load<f32>(sums + ((<usize>i) << 2));
    divideRow(out + <usize>i * outRow, headSize, total);
    if (lse !== 0) {
      const largest = <f64>load<f32>(maxima + ((<usize>i) << 2)) * <f64>scale;
      store<f32>(lse + <usize>i * lseRow, <f32>(largest + naturalLog(<f64>total)));
    }
  }
}

/** Rows (keys or values) as panels of eight columns, so that a tile of scores reads them front to back. */
export function packRowsAsPanels(rows: usize, rowBytes: usize, count: i32, headSize: i32, out: usize): void {
  for (let i = 0; i < count; i += 8) {
    const source = rows + <usize>i * rowBytes;
    const target = out + ((<usize>(i * headSize)) << 2);
    if (i + 8 <= count) transposeColumns(source, rowBytes, headSize, target);
    else packElements(source, 4, rowBytes, headSize, count - i, target);
  }
}

/** Turns a query's scores of one block into weights, and rescales what it has gathered so far to the new maximum. */
export function softenRow(
  scores: usize,
  visible: i32,
  scale: f32,
  maximum: usize,
  sum: usize,
  out: usize,
  headSize: i32,
): void {
  const end = scores + ((<usize>visible) << 2);
  // At most three entries: lanes past the last visible key weigh nothing.
  for (let at = end; (at - scores) & 15; at += 4) store<f32>(at, -Infinity);
  const before = load<f32>(maximum);
  let lanes = f32x4.splat(before);
  for (let at = scores; at < end; at += 16) lanes = f32x4.pmax(lanes, v128.load(at));
  const pairs = f32x4.pmax(lanes, v128.shuffle<f32>(lanes, lanes, 2, 3, 0, 1));
  const largest = f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
  store<f32>(maximum, f32x4.extract_lane(largest, 0));
  const factor = f32x4.splat(scale);
  let total = f32x4.splat(0);
  for (let at = scores; at < end; at += 16) {
    const weight = Exp.of(f32x4.mul(f32x4.sub(v128.load(at), largest), factor));
    v128.store(at, weight);
    total = f32x4.add(total, weight);
  }
  const added = f32x4.add(total, v128.shuffle<f32>(total, total, 2, 3, 0, 1));
  const blockSum = f32x4.extract_lane(added, 0) + f32x4.extract_lane(added, 1);
  const rescale = Exp.of(f32x4.mul(f32x4.sub(f32x4.splat(before), largest), factor));
  store<f32>(sum, load<f32>(sum) * f32x4.extract_lane(rescale, 0) + blockSum);
  for (let d: usize = 0; d < (<usize>headSize) << 2; d += 16)
    v128.store(out + d, f32x4.mul(v128.load(out + d), rescale));
}

/** out += weights x values. `visible` is what the first row sees of this block; each later row sees one key more. */
function addValues(
  scores: usize,
  values: usize,
  kvRow: usize,
  out: usize,
  outRow: usize,
  rows: i32,
  visible: i32,
  headSize: i32,
): void {
  const shared = rows === 4 ? min(KEYS, max(0, visible)) : 0;
  if (shared > 0) multiplyAdd(scores, SCORE_BYTES, 4, values, kvRow, out, outRow, 4, headSize, shared);
  const rest = values + <usize>shared * kvRow;
  for (let r = 0; r < rows; r++) {
    const own = min(KEYS, visible + r) - shared;
    if (own > 0) {
      const weights = scores + <usize>r * SCORE_BYTES + ((<usize>shared) << 2);
      multiplyAdd(weights, 0, 4, rest, kvRow, out + <usize>r * outRow, 0, 1, headSize, own);
    }
  }
}

export function divideRow(x: usize, count: i32, divisor: f32): void {
  const divisors = f32x4.splat(divisor);
  for (let d: usize = 0; d < (<usize>count) << 2; d += 16) v128.store(x + d, f32x4.div(v128.load(x + d), divisors));
}
