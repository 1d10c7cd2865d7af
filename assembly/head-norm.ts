/** @file Root-mean-square normalisation of single heads (Qwen3's queries and keys), in place within wider rows. */
import { Lane } from "./lane";

/** See `Kernels.headNormForward`. */
export function headNormForward(
  x: usize,
  weight: usize,
  saved: usize,
  rstd: usize,
  heads: i32,
  headSize: i32,
  rowStride: i32,
  epsilon: f32,
  from: i32,
  to: i32,
): void {
  const headBytes = (<usize>headSize) << 2;
  for (let row = from; row < to; row++) {
    for (let head = 0; head < heads; head++) {
      const place = <usize>row * heads + <usize>head;
      const values = x + ((<usize>row * rowStride) << 2) + <usize>head * headBytes;
      const scale: f32 = 1 / sqrt<f32>(sumOfProducts(values, values, headSize) / <f32>headSize + epsilon);
      if (rstd !== 0) store<f32>(rstd + (place << 2), scale);
      if (saved !== 0) memory.copy(saved + place * headBytes, values, headBytes);
      normalise(values, weight, scale, headSize);
    }
  }
}

function sumOfProducts(a: usize, b: usize, count: i32): f32 {
  const whole = (<usize>(count & ~3)) << 2;
  const rest = count & 3;
  let sum = f32x4.splat(0);
  let i: usize = 0;
  for (; i < whole; i += 16) sum = Lane.madd(v128.load(a + i), v128.load(b + i), sum);
  if (rest > 0) sum = Lane.madd(Lane.loadSome(a + i, rest), Lane.loadSome(b + i, rest), sum);
  return Lane.sum(sum);
}

function normalise(x: usize, weight: usize, scale: f32, count: i32): void {
  const whole = (<usize>(count & ~3)) << 2;
  const rest = count & 3;
  const factor = f32x4.splat(scale);
  let i: usize = 0;
  for (; i < whole; i += 16) v128.store(x + i, f32x4.mul(f32x4.mul(v128.load(x + i), factor), v128.load(weight + i)));
  if (rest > 0) {
    const value = f32x4.mul(Lane.loadSome(x + i, rest), factor);
    Lane.storeSome(x + i, f32x4.mul(value, Lane.loadSome(weight + i, rest)), rest);
  }
}

/** See `Kernels.headNormBackward`. */
export function headNormBackward(
  saved: usize,
  weight: usize,
  rstd: usize,
  gradient: usize,
  heads: i32,
  headSize: i32,
  rowStride: i32,
  from: i32,
  to: i32,
): void {
  const headBytes = (<usize>headSize) << 2;
  for (let row = from; row < to; row++) {
    for (let head = 0; head < heads; head++) {
      const place = <usize>row * heads + <usize>head;
      const slope = gradient + ((<usize>row * rowStride) << 2) + <usize>head * headBytes;
      backwardHead(saved + place * headBytes, weight, load<f32>(rstd + (place << 2)), slope, headSize);
    }
  }
}

/** With n = x rstd: rstd (dy w - n mean(dy w n)), over dy itself. */
function backwardHead(x: usize, weight: usize, scale: f32, dy: usize, count: i32): void {
  const whole = (<usize>(count & ~3)) << 2;
  const rest = count & 3;
  let dots = f32x4.splat(0);
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const weighted = f32x4.mul(v128.load(dy + i), v128.load(weight + i));
    dots = Lane.madd(weighted, v128.load(x + i), dots);
  }
  if (rest > 0) {
    const weighted = f32x4.mul(Lane.loadSome(dy + i, rest), Lane.loadSome(weight + i, rest));
    dots = Lane.madd(weighted, Lane.loadSome(x + i, rest), dots);
  }
  const mean = f32x4.splat((Lane.sum(dots) * scale * scale) / <f32>count);
  const factor = f32x4.splat(scale);
  for (i = 0; i < whole; i += 16) {
    const weighted = f32x4.mul(v128.load(dy + i), v128.load(weight + i));
    v128.store(dy + i, f32x4.mul(factor, Lane.nmadd(v128.load(x + i), mean, weighted)));
  }
  if (rest > 0) {
    const weighted = f32x4.mul(Lane.loadSome(dy + i, rest), Lane.loadSome(weight + i, rest));
    Lane.storeSome(dy + i, f32x4.mul(factor, Lane.nmadd(Lane.loadSome(x + i, rest), mean, weighted)), rest);
  }
}

/** See `Kernels.headNormWeightGrad`. */
export function headNormWeightGrad(
  saved: usize,
  rstd: usize,
  gradient: usize,
  dweight: usize,
  rows: i32,
  heads: i32,
  headSize: i32,
  rowStride: i32,
  from: i32,
  to: i32,
): void {
  const headBytes = (<usize>headSize) << 2;
  for (let c = from; c < to; c++) {
    const at = (<usize>c) << 2;
    let sum = load<f32>(dweight + at);
    for (let row = 0; row < rows; row++) {
      let slope = gradient + ((<usize>row * rowStride) << 2) + at;
      let place = <usize>row * heads;
      for (let head = 0; head < heads; head++) {
        sum += load<f32>(slope) * load<f32>(saved + place * headBytes + at) * load<f32>(rstd + (place << 2));
        slope += headBytes;
        place++;
      }
    }
    store<f32>(dweight + at, sum);
  }
}
