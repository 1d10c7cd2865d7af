/**
 * @file Matrix product, after Goto & van de Geijn 2008: A is packed into tiles that stay in L2, a panel of B stays in L1,
 * and a tile of C stays in registers. Each element of C is one accumulator over ascending k, whatever tile, row range or
 * k block it falls into (storing and reloading an f32 is exact), so a row's result never depends on its neighbours.
 */
import { Lane } from "./lane";
import { scratch } from "./scratch";

/** Rows of a register tile: 12 accumulators fit when multiply and add are one instruction, 8 when they are two. */
const TILE: i32 = RELAXED ? 6 : 4;
/** Rows of A packed at a time; a multiple of both tile heights. */
const BLOCK_ROWS: i32 = 96;
/** Steps of k packed at a time: one B panel of 12 KiB and one A tile of 9 KiB share a 32 KiB L1. */
const BLOCK_K: i32 = 384;
const PACKED_BYTES: usize = <usize>(BLOCK_ROWS * BLOCK_K * 4);
/** A whole tile of C for edges (6 x 8 floats), then 8 zeros. */
const EDGE_BYTES: usize = 192;
/** A panel of bf16 widened to f32, for BLOCK_K steps. */
const WIDE_BYTES: usize = <usize>(BLOCK_K << 5);
const SCRATCH_BYTES: usize = PACKED_BYTES + EDGE_BYTES + 32 + WIDE_BYTES;

/** See `Kernels.matmul`. */
export function matmul(
  a: usize,
  rowStride: i32,
  kStride: i32,
  panels: usize,
  bias: usize,
  c: usize,
  k: i32,
  n: i32,
  isAccumulating: i32,
  from: i32,
  to: i32,
): void {
  // One row left over gets its own kernel; two or more are cheaper as a tile padded with zeros.
  const hasLastRow = (to - from) % TILE === 1;
  const end = hasLastRow ? to - 1 : to;
  for (let m = from; m < end; m += BLOCK_ROWS) {
    const rows = min(BLOCK_ROWS, end - m);
    let k0: i32 = 0;
    do {
      const steps = min(BLOCK_K, k - k0);
      const packed = scratch(SCRATCH_BYTES);
      packRows(a + ((<usize>m * rowStride + <usize>k0 * kStride) << 2), rowStride, kStride, rows, steps, packed);
      const isContinuing = isAccumulating !== 0 || k0 > 0;
      multiplyBlock(
        packed,
        panels + ((<usize>k0) << 5),
        (<usize>k) << 5,
        bias,
        c + ((<usize>m * n) << 2),
        rows,
        steps,
        n,
        isContinuing,
        false,
      );
      k0 += BLOCK_K;
    } while (k0 < k);
  }
  if (hasLastRow) {
    multiplyRow(
      a + ((<usize>end * rowStride) << 2),
      (<usize>kStride) << 2,
      panels,
      bias,
      c + ((<usize>end * n) << 2),
      k,
      n,
      isAccumulating,
    );
  }
}

/** See `Kernels.matmulBf16`: the same sums in the same order as `matmul`. */
export function matmulBf16(
  a: usize,
  rowStride: i32,
  kStride: i32,
  panels: usize,
  bias: usize,
  c: usize,
  k: i32,
  n: i32,
  isAccumulating: i32,
  from: i32,
  to: i32,
): void {
  const hasLastRow = (to - from) % TILE === 1;
  const end = hasLastRow ? to - 1 : to;
  for (let m = from; m < end; m += BLOCK_ROWS) {
    const rows = min(BLOCK_ROWS, end - m);
    let k0: i32 = 0;
    do {
      const steps = min(BLOCK_K, k - k0);
      const packed = scratch(SCRATCH_BYTES);
      packRows(a + ((<usize>m * rowStride + <usize>k0 * kStride) << 2), rowStride, kStride, rows, steps, packed);
      const isContinuing = isAccumulating !== 0 || k0 > 0;
      const target = c + ((<usize>m * n) << 2);
      multiplyBlock(
        packed,
        panels + ((<usize>k0) << 4),
        (<usize>k) << 4,
        bias,
        target,
        rows,
        steps,
        n,
        isContinuing,
        true,
      );
      k0 += BLOCK_K;
    } while (k0 < k);
  }
  if (hasLastRow) {
    multiplyRowBf16(
      a + ((<usize>end * rowStride) << 2),
      (<usize>kStride) << 2,
      panels,
      isAccumulating !== 0 ? c + ((<usize>end * n) << 2) : bias,
      c + ((<usize>end * n) << 2),
      k,
      n,
    );
  }
}

/** One packed block of A times every panel; panels of bf16 are widened one by one, for all tiles of the block. */
function multiplyBlock(
  packed: usize,
  panels: usize,
  panelBytes: usize,
  bias: usize,
  c: usize,
  rows: i32,
  steps: i32,
  n: i32,
  isContinuing: bool,
  isBf16: bool,
): void {
  const edge = packed + PACKED_BYTES;
  const zeros = edge + EDGE_BYTES;
  const wide = zeros + 32;
  v128.store(zeros, f32x4.splat(0));
  v128.store(zeros, f32x4.splat(0), 16);
  const cBytes = (<usize>n) << 2;
  for (let column = 0; column < n; column += 8) {
    const columns = min(8, n - column);
    let panel = panels;
    if (isBf16) {
      widenPanel(panels, steps, wide);
      panel = wide;
    }
    for (let row = 0; row < rows; row += TILE) {
      const target = c + <usize>row * cBytes + ((<usize>column) << 2);
      const tile = packed + ((<usize>row * steps) << 2);
      if (columns === 8 && rows - row >= TILE) {
        const start = isContinuing ? target : bias !== 0 ? bias + ((<usize>column) << 2) : zeros;
        multiplyTile(tile, panel, start, isContinuing ? cBytes : 0, target, cBytes, steps);
        continue;
      }
      const valid = min(TILE, rows - row);
      for (let i = 0; i < valid; i++) {
        for (let j = 0; j < columns; j++) {
          const at = (<usize>j) << 2;
          const value: f32 = isContinuing
            ? load<f32>(target + <usize>i * cBytes + at)
            : bias !== 0
              ? load<f32>(bias + ((<usize>column) << 2) + at)
              : 0;
          store<f32>(edge + ((<usize>i) << 5) + at, value);
        }
      }
      multiplyTile(tile, panel, edge, 32, edge, 32, steps);
      for (let i = 0; i < valid; i++) {
        for (let j = 0; j < columns; j++) {
          store<f32>(
            target + <usize>i * cBytes + ((<usize>j) << 2),
            load<f32>(edge + ((<usize>i) << 5) + ((<usize>j) << 2)),
          );
        }
      }
    }
    panels += panelBytes;
  }
}

/** Eight bf16 a step to eight f32: a bf16 is the upper half of an f32. */
function widenPanel(b: usize, steps: i32, out: usize): void {
  for (const end = b + ((<usize>steps) << 4); b < end; b += 16) {
    const halves = v128.load(b);
    v128.store(out, Lane.widenLow(halves));
    v128.store(out, Lane.widenHigh(halves), 16);
    out += 32;
  }
}

/** Copies rows of A into tiles of TILE rows, k by k; rows past the end are zeros. */
function packRows(a: usize, rowStride: i32, kStride: i32, rows: i32, steps: i32, out: usize): void {
  const rowBytes = (<usize>rowStride) << 2;
  const kBytes = (<usize>kStride) << 2;
  for (let row = 0; row < rows; row += TILE) {
    const source = a + <usize>row * rowBytes;
    const tile = out + ((<usize>row * steps) << 2);
    if (rows - row < TILE) packEdge(source, rowBytes, kBytes, rows - row, steps, tile);
    else if (kStride === 1) packAlongRows(source, rowBytes, steps, tile);
    else if (rowStride === 1) packAcrossRows(source, kBytes, steps, tile);
    else packEdge(source, rowBytes, kBytes, TILE, steps, tile);
  }
}

function packEdge(a: usize, rowBytes: usize, kBytes: usize, rows: i32, steps: i32, out: usize): void {
  for (let k = 0; k < steps; k++) {
    for (let i = 0; i < TILE; i++) {
      const value: f32 = i < rows ? load<f32>(a + <usize>i * rowBytes) : 0;
      store<f32>(out + ((<usize>i) << 2), value);
    }
    a += kBytes;
    out += TILE * 4;
  }
}

/** TILE rows whose elements are contiguous in k: transposes 4 x 4 blocks in registers. */
function packAlongRows(a: usize, rowBytes: usize, steps: i32, out: usize): void {
  const whole = steps & ~3;
  for (let k = 0; k < whole; k += 4) {
    const r0 = v128.load(a);
    const r1 = v128.load(a + rowBytes);
    const r2 = v128.load(a + 2 * rowBytes);
    const r3 = v128.load(a + 3 * rowBytes);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(out, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(out + TILE * 4, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    v128.store(out + TILE * 8, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
    v128.store(out + TILE * 12, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    if (TILE === 6) {
      const r4 = v128.load(a + 4 * rowBytes);
      const r5 = v128.load(a + 5 * rowBytes);
      const low = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      v128.store_lane<u64>(out, low, 0, 16);
      v128.store_lane<u64>(out, low, 1, 40);
      v128.store_lane<u64>(out, high, 0, 64);
      v128.store_lane<u64>(out, high, 1, 88);
    }
    a += 16;
    out += TILE * 16;
  }
  if (whole < steps) packEdge(a, rowBytes, 4, TILE, steps - whole, out);
}

/** TILE neighbouring columns of a row-major matrix (A transposed): each step of k is one contiguous copy. */
function packAcrossRows(a: usize, kBytes: usize, steps: i32, out: usize): void {
  for (let k = 0; k < steps; k++) {
    v128.store(out, v128.load(a));
    if (TILE === 6) store<u64>(out, load<u64>(a, 16), 16);
    a += kBytes;
    out += TILE * 4;
  }
}

/** The register tile: TILE x 8 elements of C, starting from the values at `start`. */
function multiplyTile(a: usize, b: usize, start: usize, startBytes: usize, c: usize, cBytes: usize, steps: i32): void {
  if (RELAXED) multiplyTile6(a, b, start, startBytes, c, cBytes, steps);
  else multiplyTile4(a, b, start, startBytes, c, cBytes, steps);
}

// Long because the accumulators must be named locals to live in registers.
function multiplyTile4(a: usize, b: usize, start: usize, startBytes: usize, c: usize, cBytes: usize, steps: i32): void {
  let c00 = v128.load(start);
  let c01 = v128.load(start, 16);
  start += startBytes;
  let c10 = v128.load(start);
  let c11 = v128.load(start, 16);
  start += startBytes;
  let c20 = v128.load(start);
  let c21 = v128.load(start, 16);
  start += startBytes;
  let c30 = v128.load(start);
  let c31 = v128.load(start, 16);
  const last = b + ((<usize>steps) << 5) - 32;
  while (steps > 0) {
    const b00 = v128.load(b);
    const b01 = v128.load(b, 16);
    const a00 = v128.load32_splat(a);
    c00 = Lane.madd(a00, b00, c00);
    c01 = Lane.madd(a00, b01, c01);
    const a01 = v128.load32_splat(a, 4);
    c10 = Lane.madd(a01, b00, c10);
    c11 = Lane.madd(a01, b01, c11);
    const a02 = v128.load32_splat(a, 8);
    c20 = Lane.madd(a02, b00, c20);
    c21 = Lane.madd(a02, b01, c21);
    const a03 = v128.load32_splat(a, 12);
    c30 = Lane.madd(a03, b00, c30);
    c31 = Lane.madd(a03, b01, c31);
    // An exit here holds V8 11 (Node 20) to this order: in one piece it would load everything first and run out of registers.
    if (b >= last) break;
    const b10 = v128.load(b, 32);
    const b11 = v128.load(b, 48);
    const a10 = v128.load32_splat(a, 16);
    c00 = Lane.madd(a10, b10, c00);
    c01 = Lane.madd(a10, b11, c01);
    const a11 = v128.load32_splat(a, 20);
    c10 = Lane.madd(a11, b10, c10);
    c11 = Lane.madd(a11, b11, c11);
    const a12 = v128.load32_splat(a, 24);
    c20 = Lane.madd(a12, b10, c20);
    c21 = Lane.madd(a12, b11, c21);
    const a13 = v128.load32_splat(a, 28);
    c30 = Lane.madd(a13, b10, c30);
    c31 = Lane.madd(a13, b11, c31);
    if (b >= last - 32) break;
    a += 32;
    b += 64;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cBytes;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cBytes;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cBytes;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

// Long for the same reason.
function multiplyTile6(a: usize, b: usize, start: usize, startBytes: usize, c: usize, cBytes: usize, steps: i32): void {
  let c00 = v128.load(start);
  let c01 = v128.load(start, 16);
  start += startBytes;
  let c10 = v128.load(start);
  let c11 = v128.load(start, 16);
  start += startBytes;
  let c20 = v128.load(start);
  let c21 = v128.load(start, 16);
  start += startBytes;
  let c30 = v128.load(start);
  let c31 = v128.load(start, 16);
  start += startBytes;
  let c40 = v128.load(start);
  let c41 = v128.load(start, 16);
  start += startBytes;
  let c50 = v128.load(start);
  let c51 = v128.load(start, 16);
  for (const end = b + ((<usize>steps) << 5); b < end; b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = Lane.madd(a0, b0, c00);
    c01 = Lane.madd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = Lane.madd(a1, b0, c10);
    c11 = Lane.madd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = Lane.madd(a2, b0, c20);
    c21 = Lane.madd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = Lane.madd(a3, b0, c30);
    c31 = Lane.madd(a3, b1, c31);
    const a4 = v128.load32_splat(a, 16);
    c40 = Lane.madd(a4, b0, c40);
    c41 = Lane.madd(a4, b1, c41);
    const a5 = v128.load32_splat(a, 20);
    c50 = Lane.madd(a5, b0, c50);
    c51 = Lane.madd(a5, b1, c51);
    a += 24;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cBytes;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cBytes;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cBytes;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += cBytes;
  v128.store(c, c40);
  v128.store(c, c41, 16);
  c += cBytes;
  v128.store(c, c50);
  v128.store(c, c51, 16);
}

/** Columns of a single row at a time: as many independent sums as registers allow hide the latency of an addition. */
const ROW_COLUMNS: i32 = RELAXED ? 32 : 24;

/** One row of C. */
function multiplyRow(
  a: usize,
  kBytes: usize,
  panels: usize,
  bias: usize,
  c: usize,
  k: i32,
  n: i32,
  isAccumulating: i32,
): void {
  const panelBytes = (<usize>k) << 5;
  const start = isAccumulating !== 0 ? c : bias;
  let column = 0;
  for (; column + ROW_COLUMNS <= n; column += ROW_COLUMNS) {
    const from = start !== 0 ? start + ((<usize>column) << 2) : 0;
    const target = c + ((<usize>column) << 2);
    if (RELAXED) multiplyRow32(a, kBytes, panels, panelBytes, from, target, k);
    else multiplyRow24(a, kBytes, panels, panelBytes, from, target, k);
    panels += <usize>(ROW_COLUMNS >> 3) * panelBytes;
  }
  for (; column < n; column += 8) {
    const at = (<usize>column) << 2;
    const columns = min(8, n - column);
    const left = min(4, columns);
    const right = columns - left;
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    if (start !== 0) {
      c0 = left === 4 ? v128.load(start + at) : Lane.loadSome(start + at, left);
      if (right > 0) c1 = right === 4 ? v128.load(start + at, 16) : Lane.loadSome(start + at + 16, right);
    }
    let element = a;
    for (let b = panels, end = panels + panelBytes; b < end; b += 32) {
      const value = v128.load32_splat(element);
      c0 = Lane.madd(value, v128.load(b), c0);
      c1 = Lane.madd(value, v128.load(b, 16), c1);
      element += kBytes;
    }
    if (left === 4) v128.store(c + at, c0);
    else Lane.storeSome(c + at, c0, left);
    if (right === 4) v128.store(c + at, c1, 16);
    else if (right > 0) Lane.storeSome(c + at + 16, c1, right);
    panels += panelBytes;
  }
}

function multiplyRow24(
  a: usize,
  kBytes: usize,
  panels: usize,
  panelBytes: usize,
  start: usize,
  c: usize,
  k: i32,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  if (start !== 0) {
    c0 = v128.load(start);
    c1 = v128.load(start, 16);
    c2 = v128.load(start, 32);
    c3 = v128.load(start, 48);
    c4 = v128.load(start, 64);
    c5 = v128.load(start, 80);
  }
  let p1 = panels + panelBytes;
  let p2 = p1 + panelBytes;
  const last = panels + panelBytes - 32;
  while (k > 0) {
    const v0 = v128.load32_splat(a);
    a += kBytes;
    c0 = Lane.madd(v0, v128.load(panels), c0);
    c1 = Lane.madd(v0, v128.load(panels, 16), c1);
    c2 = Lane.madd(v0, v128.load(p1), c2);
    c3 = Lane.madd(v0, v128.load(p1, 16), c3);
    c4 = Lane.madd(v0, v128.load(p2), c4);
    c5 = Lane.madd(v0, v128.load(p2, 16), c5);
    // For the reason given in multiplyTile4; and V8 11 would unroll a loop without it until nothing fits into registers.
    if (panels >= last) break;
    const v1 = v128.load32_splat(a);
    a += kBytes;
    c0 = Lane.madd(v1, v128.load(panels, 32), c0);
    c1 = Lane.madd(v1, v128.load(panels, 48), c1);
    c2 = Lane.madd(v1, v128.load(p1, 32), c2);
    c3 = Lane.madd(v1, v128.load(p1, 48), c3);
    c4 = Lane.madd(v1, v128.load(p2, 32), c4);
    c5 = Lane.madd(v1, v128.load(p2, 48), c5);
    if (panels >= last - 32) break;
    panels += 64;
    p1 += 64;
    p2 += 64;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
}

// Long because the accumulators must be named locals to live in registers.
function multiplyRow32(
  a: usize,
  kBytes: usize,
  panels: usize,
  panelBytes: usize,
  start: usize,
  c: usize,
  k: i32,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  if (start !== 0) {
    c0 = v128.load(start);
    c1 = v128.load(start, 16);
    c2 = v128.load(start, 32);
    c3 = v128.load(start, 48);
    c4 = v128.load(start, 64);
    c5 = v128.load(start, 80);
    c6 = v128.load(start, 96);
    c7 = v128.load(start, 112);
  }
  let p1 = panels + panelBytes;
  let p2 = p1 + panelBytes;
  let p3 = p2 + panelBytes;
  for (let i = 0; i < k; i++) {
    const value = v128.load32_splat(a);
    c0 = Lane.madd(value, v128.load(panels), c0);
    c1 = Lane.madd(value, v128.load(panels, 16), c1);
    c2 = Lane.madd(value, v128.load(p1), c2);
    c3 = Lane.madd(value, v128.load(p1, 16), c3);
    c4 = Lane.madd(value, v128.load(p2), c4);
    c5 = Lane.madd(value, v128.load(p2, 16), c5);
    c6 = Lane.madd(value, v128.load(p3), c6);
    c7 = Lane.madd(value, v128.load(p3, 16), c7);
    a += kBytes;
    panels += 32;
    p1 += 32;
    p2 += 32;
    p3 += 32;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/** One row of C from panels of bf16; `start` is where it starts from, 0 for zeros. */
function multiplyRowBf16(a: usize, kBytes: usize, panels: usize, start: usize, c: usize, k: i32, n: i32): void {
  const panelBytes = (<usize>k) << 4;
  let column = 0;
  for (; column + 32 <= n; column += 32) {
    const at = (<usize>column) << 2;
    multiplyRow32Bf16(a, kBytes, panels, panelBytes, start !== 0 ? start + at : 0, c + at, k);
    panels += 4 * panelBytes;
  }
  for (; column < n; column += 8) {
    const at = (<usize>column) << 2;
    const columns = min(8, n - column);
    const left = min(4, columns);
    const right = columns - left;
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    if (start !== 0) {
      c0 = left === 4 ? v128.load(start + at) : Lane.loadSome(start + at, left);
      if (right > 0) c1 = right === 4 ? v128.load(start + at, 16) : Lane.loadSome(start + at + 16, right);
    }
    let element = a;
    for (let b = panels, end = panels + panelBytes; b < end; b += 16) {
      const value = v128.load32_splat(element);
      const halves = v128.load(b);
      c0 = Lane.madd(value, Lane.widenLow(halves), c0);
      c1 = Lane.madd(value, Lane.widenHigh(halves), c1);
      element += kBytes;
    }
    if (left === 4) v128.store(c + at, c0);
    else Lane.storeSome(c + at, c0, left);
    if (right === 4) v128.store(c + at, c1, 16);
    else if (right > 0) Lane.storeSome(c + at + 16, c1, right);
    panels += panelBytes;
  }
}

// Long because the accumulators must be named locals to live in registers.
function multiplyRow32Bf16(
  a: usize,
  kBytes: usize,
  panels: usize,
  panelBytes: usize,
  start: usize,
  c: usize,
  k: i32,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  if (start !== 0) {
    c0 = v128.load(start);
    c1 = v128.load(start, 16);
    c2 = v128.load(start, 32);
    c3 = v128.load(start, 48);
    c4 = v128.load(start, 64);
    c5 = v128.load(start, 80);
    c6 = v128.load(start, 96);
    c7 = v128.load(start, 112);
  }
  let p1 = panels + panelBytes;
  let p2 = p1 + panelBytes;
  let p3 = p2 + panelBytes;
  for (let i = 0; i < k; i++) {
    const value = v128.load32_splat(a);
    const h0 = v128.load(panels);
    c0 = Lane.madd(value, Lane.widenLow(h0), c0);
    c1 = Lane.madd(value, Lane.widenHigh(h0), c1);
    const h1 = v128.load(p1);
    c2 = Lane.madd(value, Lane.widenLow(h1), c2);
    c3 = Lane.madd(value, Lane.widenHigh(h1), c3);
    const h2 = v128.load(p2);
    c4 = Lane.madd(value, Lane.widenLow(h2), c4);
    c5 = Lane.madd(value, Lane.widenHigh(h2), c5);
    const h3 = v128.load(p3);
    c6 = Lane.madd(value, Lane.widenLow(h3), c6);
    c7 = Lane.madd(value, Lane.widenHigh(h3), c7);
    a += kBytes;
    panels += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}
