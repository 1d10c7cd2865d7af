/** @file Packs a right-hand matrix into the panels that `matmul` reads front to back. */

/** See `Kernels.packPanels`. */
export function packPanels(b: usize, k: i32, n: i32, kStride: i32, nStride: i32, out: usize, from: i32, to: i32): void {
  for (let panel = from; panel < to; panel++) {
    const source = b + ((<usize>panel * 8 * nStride) << 2);
    const target = out + ((<usize>panel * k) << 5);
    const columns = min(8, n - panel * 8);
    if (columns === 8 && nStride === 1) copyRows(source, (<usize>kStride) << 2, k, target);
    else if (columns === 8 && kStride === 1) transposeColumns(source, (<usize>nStride) << 2, k, target);
    else packElements(source, (<usize>kStride) << 2, (<usize>nStride) << 2, k, columns, target);
  }
}

function copyRows(b: usize, kBytes: usize, k: i32, out: usize): void {
  for (let i = 0; i < k; i++) {
    v128.store(out, v128.load(b));
    v128.store(out, v128.load(b, 16), 16);
    b += kBytes;
    out += 32;
  }
}

/** Eight columns that are contiguous in k. Also packs keys for attention. */
export function transposeColumns(b: usize, nBytes: usize, k: i32, out: usize): void {
  const whole = k & ~3;
  for (let half = 0; half < 2; half++) {
    const start = b + <usize>half * 4 * nBytes;
    let target = out + <usize>half * 16;
    for (let i = 0; i < whole; i += 4) {
      const column = start + ((<usize>i) << 2);
      const r0 = v128.load(column);
      const r1 = v128.load(column + nBytes);
      const r2 = v128.load(column + 2 * nBytes);
      const r3 = v128.load(column + 3 * nBytes);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      v128.store(target, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
      v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
      v128.store(target, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
      target += 128;
    }
  }
  if (whole < k) packElements(b + ((<usize>whole) << 2), 4, nBytes, k - whole, 8, out + ((<usize>whole) << 5));
}

/** Any strides, and the last panel when it is not full: zeros past the last column. */
export function packElements(b: usize, kBytes: usize, nBytes: usize, k: i32, columns: i32, out: usize): void {
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < 8; j++) {
      const value: f32 = j < columns ? load<f32>(b + <usize>j * nBytes) : 0;
      store<f32>(out + ((<usize>j) << 2), value);
    }
    b += kBytes;
    out += 32;
  }
}

/** See `Kernels.packPanelsBf16`. */
export function packPanelsBf16(
  b: usize,
  k: i32,
  n: i32,
  kStride: i32,
  nStride: i32,
  out: usize,
  from: i32,
  to: i32,
): void {
  const kBytes = (<usize>kStride) << 1;
  const nBytes = (<usize>nStride) << 1;
  for (let panel = from; panel < to; panel++) {
    const source = b + <usize>(panel * 8) * nBytes;
    const target = out + ((<usize>panel * k) << 4);
    const columns = min(8, n - panel * 8);
    if (columns === 8 && nStride === 1) copyHalves(source, kBytes, k, target);
    else packHalves(source, kBytes, nBytes, k, columns, target);
  }
}

function copyHalves(b: usize, kBytes: usize, k: i32, out: usize): void {
  for (let i = 0; i < k; i++) {
    v128.store(out, v128.load(b));
    b += kBytes;
    out += 16;
  }
}

/** Column by column, so that what is read is contiguous where a weight is packed transposed. */
function packHalves(b: usize, kBytes: usize, nBytes: usize, k: i32, columns: i32, out: usize): void {
  for (let j = 0; j < 8; j++) {
    let source = b + <usize>j * nBytes;
    let target = out + ((<usize>j) << 1);
    const end = target + ((<usize>k) << 4);
    if (j < columns) {
      for (; target < end; target += 16) {
        store<u16>(target, load<u16>(source));
        source += kBytes;
      }
    } else {
      for (; target < end; target += 16) store<u16>(target, 0);
    }
  }
}
