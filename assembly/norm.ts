/** @file Root-mean-square normalisation and the sums over rows that its backward pass and biases need. */
import { Lane } from "./lane";

/** See `Kernels.rmsNormForward`. */
export function rmsNormForward(
  x: usize,
  weight: usize,
  y: usize,
  rstd: usize,
  channels: i32,
  epsilon: f32,
  from: i32,
  to: i32,
): void {
  const whole = channels & ~3;
  const rest = channels - whole;
  for (let row = from; row < to; row++) {
    const at = (<usize>row * channels) << 2;
    const input = x + at;
    const output = y + at;
    let squares = f32x4.splat(0);
    let c: usize = 0;
    for (const end = (<usize>whole) << 2; c < end; c += 16) {
      const value = v128.load(input + c);
      squares = Lane.madd(value, value, squares);
    }
    if (rest > 0) {
      const value = Lane.loadSome(input + c, rest);
      squares = Lane.madd(value, value, squares);
    }
    const scale: f32 = 1 / sqrt<f32>(Lane.sum(squares) / <f32>channels + epsilon);
    store<f32>(rstd + ((<usize>row) << 2), scale);
    const factor = f32x4.splat(scale);
    for (c = 0; c < (<usize>whole) << 2; c += 16) {
      v128.store(output + c, f32x4.mul(f32x4.mul(v128.load(input + c), factor), v128.load(weight + c)));
    }
    if (rest > 0) {
      const value = f32x4.mul(Lane.loadSome(input + c, rest), factor);
      Lane.storeSome(output + c, f32x4.mul(value, Lane.loadSome(weight + c, rest)), rest);
    }
  }
}

/** See `Kernels.rmsNormBackward`. */
export function rmsNormBackward(
  x: usize,
  weight: usize,
  rstd: usize,
  dy: usize,
  dx: usize,
  channels: i32,
  from: i32,
  to: i32,
): void {
  const whole = (<usize>(channels & ~3)) << 2;
  const rest = channels & 3;
  for (let row = from; row < to; row++) {
    const at = (<usize>row * channels) << 2;
    const input = x + at;
    const gradient = dy + at;
    const target = dx + at;
    let dots = f32x4.splat(0);
    let c: usize = 0;
    for (; c < whole; c += 16) {
      dots = Lane.madd(f32x4.mul(v128.load(gradient + c), v128.load(weight + c)), v128.load(input + c), dots);
    }
    if (rest > 0) {
      const weighted = f32x4.mul(Lane.loadSome(gradient + c, rest), Lane.loadSome(weight + c, rest));
      dots = Lane.madd(weighted, Lane.loadSome(input + c, rest), dots);
    }
    const scale = load<f32>(rstd + ((<usize>row) << 2));
    const mean = f32x4.splat((Lane.sum(dots) * scale * scale) / <f32>channels);
    const factor = f32x4.splat(scale);
    for (c = 0; c < whole; c += 16) {
      const weighted = f32x4.mul(v128.load(gradient + c), v128.load(weight + c));
      const change = Lane.nmadd(v128.load(input + c), mean, weighted);
      v128.store(target + c, Lane.madd(factor, change, v128.load(target + c)));
    }
    if (rest > 0) {
      const weighted = f32x4.mul(Lane.loadSome(gradient + c, rest), Lane.loadSome(weight + c, rest));
      const change = Lane.nmadd(Lane.loadSome(input + c, rest), mean, weighted);
      Lane.storeSome(target + c, Lane.madd(factor, change, Lane.loadSome(target + c, rest)), rest);
    }
  }
}

/** See `Kernels.rmsNormWeightGrad`. Sixteen columns at a time: one cache line of each row. */
export function rmsNormWeightGrad(
  x: usize,
  rstd: usize,
  dy: usize,
  dweight: usize,
  rows: i32,
  channels: i32,
  from: i32,
  to: i32,
): void {
  const rowBytes = (<usize>channels) << 2;
  let c = from;
  for (; c + 16 <= to; c += 16) {
    const at = (<usize>c) << 2;
    const target = dweight + at;
    let s0 = v128.load(target);
    let s1 = v128.load(target, 16);
    let s2 = v128.load(target, 32);
    let s3 = v128.load(target, 48);
    let input = x + at;
    let gradient = dy + at;
    for (let row = 0; row < rows; row++) {
      const scale = v128.load32_splat(rstd + ((<usize>row) << 2));
      s0 = Lane.madd(f32x4.mul(v128.load(gradient), v128.load(input)), scale, s0);
      s1 = Lane.madd(f32x4.mul(v128.load(gradient, 16), v128.load(input, 16)), scale, s1);
      s2 = Lane.madd(f32x4.mul(v128.load(gradient, 32), v128.load(input, 32)), scale, s2);
      s3 = Lane.madd(f32x4.mul(v128.load(gradient, 48), v128.load(input, 48)), scale, s3);
      input += rowBytes;
      gradient += rowBytes;
    }
    v128.store(target, s0);
    v128.store(target, s1, 16);
    v128.store(target, s2, 32);
    v128.store(target, s3, 48);
  }
  for (; c < to; c++) {
    const at = (<usize>c) << 2;
    // Lane 0 of the same vector operations: a column's result must not depend on its range.
    let sum = v128.load32_zero(dweight + at);
    for (let row = 0; row < rows; row++) {
      const element = <usize>row * rowBytes + at;
      const product = f32x4.mul(v128.load32_zero(dy + element), v128.load32_zero(x + element));
      sum = Lane.madd(product, v128.load32_splat(rstd + ((<usize>row) << 2)), sum);
    }
    v128.store_lane<f32>(dweight + at, sum, 0);
  }
}

/** See `Kernels.columnSums`. */
export function columnSums(x: usize, out: usize, rows: i32, channels: i32, from: i32, to: i32): void {
  const rowBytes = (<usize>channels) << 2;
  let c = from;
  for (; c + 16 <= to; c += 16) {
    const at = (<usize>c) << 2;
    const target = out + at;
    let s0 = v128.load(target);
    let s1 = v128.load(target, 16);
    let s2 = v128.load(target, 32);
    let s3 = v128.load(target, 48);
    let input = x + at;
    for (let row = 0; row < rows; row++) {
      s0 = f32x4.add(s0, v128.load(input));
      s1 = f32x4.add(s1, v128.load(input, 16));
      s2 = f32x4.add(s2, v128.load(input, 32));
      s3 = f32x4.add(s3, v128.load(input, 48));
      input += rowBytes;
    }
    v128.store(target, s0);
    v128.store(target, s1, 16);
    v128.store(target, s2, 32);
    v128.store(target, s3, 48);
  }
  for (; c < to; c++) {
    const at = (<usize>c) << 2;
    let sum = load<f32>(out + at);
    for (let row = 0; row < rows; row++) sum += load<f32>(x + <usize>row * rowBytes + at);
    store<f32>(out + at, sum);
  }
}
