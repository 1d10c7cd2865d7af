/**
 * @file Small matrix products on strided operands, for attention, whose matrices are slices of wider rows. C gains A B,
 * where element (i, k) of A is at `a + i*aRow + k*aStep` and row k of B starts at `b + k*bStep` (all strides in bytes).
 * Every element is one accumulator over ascending k in all variants, so a row computed alone equals that row of a tile.
 * The tiles' loops have an exit in the middle for the reason given in matmul.ts.
 */
import { Lane } from "./lane";

/** C (rows x width) += A (rows x steps) B (steps x width); width is a multiple of 4. */
export function multiplyAdd(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  width: i32,
  steps: i32,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let column = 0;
    for (; column + 8 <= width; column += 8) {
      const at = (<usize>column) << 2;
      tile8(a, aRow, aStep, b + at, bStep, c + at, cRow, steps);
    }
    if (column < width) {
      const at = (<usize>column) << 2;
      tile4(a, aRow, aStep, b + at, bStep, c + at, cRow, steps);
    }
    a += 4 * aRow;
    c += 4 * cRow;
  }
  // Two rows share what they read of B.
  if (row + 2 <= rows && (width & 15) === 0) {
    for (let at: usize = 0; at < (<usize>width) << 2; at += 64)
      pair16(a, aRow, aStep, b + at, bStep, c + at, cRow, steps);
    row += 2;
    a += 2 * aRow;
    c += 2 * cRow;
  }
  for (; row < rows; row++) {
    let column = 0;
    for (; column + 16 <= width; column += 16)
      row16(a, aStep, b + ((<usize>column) << 2), bStep, c + ((<usize>column) << 2), steps);
    for (; column < width; column += 4)
      row4(a, aStep, b + ((<usize>column) << 2), bStep, c + ((<usize>column) << 2), steps);
    a += aRow;
    c += cRow;
  }
}

/** C (4 x 8) = A B for `rows` rows of A; the last is repeated to fill the tile, and C has room for all four. */
export function scoreTile(a: usize, aRow: usize, rows: i32, b: usize, c: usize, cRow: usize, steps: i32): void {
  let a1 = rows > 1 ? a + aRow : a;
  let a2 = rows > 2 ? a1 + aRow : a1;
  let a3 = rows > 3 ? a2 + aRow : a2;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const last = a + ((<usize>steps) << 2) - 4;
  for (;;) {
    const b00 = v128.load(b);
    const b01 = v128.load(b, 16);
    const s00 = v128.load32_splat(a);
    c00 = Lane.madd(s00, b00, c00);
    c01 = Lane.madd(s00, b01, c01);
    const s01 = v128.load32_splat(a1);
    c10 = Lane.madd(s01, b00, c10);
    c11 = Lane.madd(s01, b01, c11);
    const s02 = v128.load32_splat(a2);
    c20 = Lane.madd(s02, b00, c20);
    c21 = Lane.madd(s02, b01, c21);
    const s03 = v128.load32_splat(a3);
    c30 = Lane.madd(s03, b00, c30);
    c31 = Lane.madd(s03, b01, c31);
    if (a >= last) break;
    const b10 = v128.load(b, 32);
    const b11 = v128.load(b, 48);
    const s10 = v128.load32_splat(a, 4);
    c00 = Lane.madd(s10, b10, c00);
    c01 = Lane.madd(s10, b11, c01);
    const s11 = v128.load32_splat(a1, 4);
    c10 = Lane.madd(s11, b10, c10);
    c11 = Lane.madd(s11, b11, c11);
    const s12 = v128.load32_splat(a2, 4);
    c20 = Lane.madd(s12, b10, c20);
    c21 = Lane.madd(s12, b11, c21);
    const s13 = v128.load32_splat(a3, 4);
    c30 = Lane.madd(s13, b10, c30);
    c31 = Lane.madd(s13, b11, c31);
    if (a >= last - 4) break;
    b += 64;
    a += 8;
    a1 += 8;
    a2 += 8;
    a3 += 8;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cRow;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cRow;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cRow;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

// Long because the accumulators must be named locals to live in registers.
function tile8(a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRow: usize, steps: i32): void {
  const c1 = c + cRow;
  const c2 = c1 + cRow;
  const c3 = c2 + cRow;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c1);
  let c11 = v128.load(c1, 16);
  let c20 = v128.load(c2);
  let c21 = v128.load(c2, 16);
  let c30 = v128.load(c3);
  let c31 = v128.load(c3, 16);
  const a1 = aRow;
  const a2 = a1 + aRow;
  const a3 = a2 + aRow;
  while (steps > 0) {
    const b00 = v128.load(b);
    const b01 = v128.load(b, 16);
    const s00 = v128.load32_splat(a);
    c00 = Lane.madd(s00, b00, c00);
    c01 = Lane.madd(s00, b01, c01);
    const s01 = v128.load32_splat(a + a1);
    c10 = Lane.madd(s01, b00, c10);
    c11 = Lane.madd(s01, b01, c11);
    const s02 = v128.load32_splat(a + a2);
    c20 = Lane.madd(s02, b00, c20);
    c21 = Lane.madd(s02, b01, c21);
    const s03 = v128.load32_splat(a + a3);
    c30 = Lane.madd(s03, b00, c30);
    c31 = Lane.madd(s03, b01, c31);
    a += aStep;
    b += bStep;
    if (steps === 1) break;
    const b10 = v128.load(b);
    const b11 = v128.load(b, 16);
    const s10 = v128.load32_splat(a);
    c00 = Lane.madd(s10, b10, c00);
    c01 = Lane.madd(s10, b11, c01);
    const s11 = v128.load32_splat(a + a1);
    c10 = Lane.madd(s11, b10, c10);
    c11 = Lane.madd(s11, b11, c11);
    const s12 = v128.load32_splat(a + a2);
    c20 = Lane.madd(s12, b10, c20);
    c21 = Lane.madd(s12, b11, c21);
    const s13 = v128.load32_splat(a + a3);
    c30 = Lane.madd(s13, b10, c30);
    c31 = Lane.madd(s13, b11, c31);
    a += aStep;
    b += bStep;
    steps -= 2;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
}

function tile4(a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRow: usize, steps: i32): void {
  const p1 = c + cRow;
  const p2 = p1 + cRow;
  const p3 = p2 + cRow;
  let c0 = v128.load(c);
  let c1 = v128.load(p1);
  let c2 = v128.load(p2);
  let c3 = v128.load(p3);
  for (let k = 0; k < steps; k++) {
    const b0 = v128.load(b);
    c0 = Lane.madd(v128.load32_splat(a), b0, c0);
    c1 = Lane.madd(v128.load32_splat(a + aRow), b0, c1);
    c2 = Lane.madd(v128.load32_splat(a + 2 * aRow), b0, c2);
    c3 = Lane.madd(v128.load32_splat(a + 3 * aRow), b0, c3);
    a += aStep;
    b += bStep;
  }
  v128.store(c, c0);
  v128.store(p1, c1);
  v128.store(p2, c2);
  v128.store(p3, c3);
}

function row16(a: usize, aStep: usize, b: usize, bStep: usize, c: usize, steps: i32): void {
  let c0 = v128.load(c);
  let c1 = v128.load(c, 16);
  let c2 = v128.load(c, 32);
  let c3 = v128.load(c, 48);
  for (let k = 0; k < steps; k++) {
    const s = v128.load32_splat(a);
    c0 = Lane.madd(s, v128.load(b), c0);
    c1 = Lane.madd(s, v128.load(b, 16), c1);
    c2 = Lane.madd(s, v128.load(b, 32), c2);
    c3 = Lane.madd(s, v128.load(b, 48), c3);
    a += aStep;
    b += bStep;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
}

function row4(a: usize, aStep: usize, b: usize, bStep: usize, c: usize, steps: i32): void {
  let c0 = v128.load(c);
  for (let k = 0; k < steps; k++) {
    c0 = Lane.madd(v128.load32_splat(a), v128.load(b), c0);
    a += aStep;
    b += bStep;
  }
  v128.store(c, c0);
}

/** Two rows of A times two neighbouring panels of eight columns (`steps` rows of 8 each): C (2 x 16) = A B. */
export function scorePair(a: usize, a1: usize, b: usize, c: usize, cRow: usize, steps: i32): void {
  const next = c + cRow;
  let b1 = b + ((<usize>steps) << 5);
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c13 = f32x4.splat(0);
  const last = b1 - 32;
  for (;;) {
    const s0 = v128.load32_splat(a);
    const t0 = v128.load32_splat(a1);
    const p00 = v128.load(b);
    c00 = Lane.madd(s0, p00, c00);
    c10 = Lane.madd(t0, p00, c10);
    const p01 = v128.load(b, 16);
    c01 = Lane.madd(s0, p01, c01);
    c11 = Lane.madd(t0, p01, c11);
    const p02 = v128.load(b1);
    c02 = Lane.madd(s0, p02, c02);
    c12 = Lane.madd(t0, p02, c12);
    const p03 = v128.load(b1, 16);
    c03 = Lane.madd(s0, p03, c03);
    c13 = Lane.madd(t0, p03, c13);
    if (b >= last) break;
    const s1 = v128.load32_splat(a, 4);
    const t1 = v128.load32_splat(a1, 4);
    const p10 = v128.load(b, 32);
    c00 = Lane.madd(s1, p10, c00);
    c10 = Lane.madd(t1, p10, c10);
    const p11 = v128.load(b, 48);
    c01 = Lane.madd(s1, p11, c01);
    c11 = Lane.madd(t1, p11, c11);
    const p12 = v128.load(b1, 32);
    c02 = Lane.madd(s1, p12, c02);
    c12 = Lane.madd(t1, p12, c12);
    const p13 = v128.load(b1, 48);
    c03 = Lane.madd(s1, p13, c03);
    c13 = Lane.madd(t1, p13, c13);
    if (b >= last - 32) break;
    a += 8;
    a1 += 8;
    b += 64;
    b1 += 64;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  v128.store(next, c10);
  v128.store(next, c11, 16);
  v128.store(next, c12, 32);
  v128.store(next, c13, 48);
}

function pair16(a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRow: usize, steps: i32): void {
  const next = c + cRow;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c02 = v128.load(c, 32);
  let c03 = v128.load(c, 48);
  let c10 = v128.load(next);
  let c11 = v128.load(next, 16);
  let c12 = v128.load(next, 32);
  let c13 = v128.load(next, 48);
  while (steps > 0) {
    const s0 = v128.load32_splat(a);
    const t0 = v128.load32_splat(a + aRow);
    const p00 = v128.load(b);
    c00 = Lane.madd(s0, p00, c00);
    c10 = Lane.madd(t0, p00, c10);
    const p01 = v128.load(b, 16);
    c01 = Lane.madd(s0, p01, c01);
    c11 = Lane.madd(t0, p01, c11);
    const p02 = v128.load(b, 32);
    c02 = Lane.madd(s0, p02, c02);
    c12 = Lane.madd(t0, p02, c12);
    const p03 = v128.load(b, 48);
    c03 = Lane.madd(s0, p03, c03);
    c13 = Lane.madd(t0, p03, c13);
    a += aStep;
    b += bStep;
    if (steps === 1) break;
    const s1 = v128.load32_splat(a);
    const t1 = v128.load32_splat(a + aRow);
    const p10 = v128.load(b);
    c00 = Lane.madd(s1, p10, c00);
    c10 = Lane.madd(t1, p10, c10);
    const p11 = v128.load(b, 16);
    c01 = Lane.madd(s1, p11, c01);
    c11 = Lane.madd(t1, p11, c11);
    const p12 = v128.load(b, 32);
    c02 = Lane.madd(s1, p12, c02);
    c12 = Lane.madd(t1, p12, c12);
    const p13 = v128.load(b, 48);
    c03 = Lane.madd(s1, p13, c03);
    c13 = Lane.madd(t1, p13, c13);
    a += aStep;
    b += bStep;
    steps -= 2;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  v128.store(next, c10);
  v128.store(next, c11, 16);
  v128.store(next, c12, 32);
  v128.store(next, c13, 48);
}
