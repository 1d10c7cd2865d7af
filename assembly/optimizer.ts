/** @file Elementwise sums over flat buffers: gradient accumulation, the gradient's norm, AdamW. */
import { Lane } from "./lane";

const SQUARE_CHUNK: i32 = 4096;

/** See `Kernels.add`. */
export function add(source: usize, destination: usize, from: i32, to: i32): void {
  let at = (<usize>from) << 2;
  const end = (<usize>to) << 2;
  for (; at + 16 <= end; at += 16) {
    v128.store(destination + at, f32x4.add(v128.load(destination + at), v128.load(source + at)));
  }
  for (; at < end; at += 4) store<f32>(destination + at, load<f32>(destination + at) + load<f32>(source + at));
}

/** See `Kernels.scale`. */
export function scale(x: usize, factor: f32, from: i32, to: i32): void {
  let at = x + ((<usize>from) << 2);
  const end = x + ((<usize>to) << 2);
  const factors = f32x4.splat(factor);
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factors));
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) * factor);
}

/** See `Kernels.sumOfSquares`. */
export function sumOfSquares(x: usize, n: i32, partials: usize, from: i32, to: i32): void {
  for (let chunk = from; chunk < to; chunk++) {
    const start = chunk * SQUARE_CHUNK;
    let at = x + ((<usize>start) << 2);
    const end = at + ((<usize>min(SQUARE_CHUNK, n - start)) << 2);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    for (; at + 32 <= end; at += 32) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      s0 = Lane.madd(a, a, s0);
      s1 = Lane.madd(b, b, s1);
    }
    let sum = Lane.sum(f32x4.add(s0, s1));
    for (; at < end; at += 4) sum += load<f32>(at) * load<f32>(at);
    store<f32>(partials + ((<usize>chunk) << 2), sum);
  }
}

/** See `Kernels.adamw`. Coefficients arrive as f64: 1 - beta2 in f32 would already be wrong in the fifth digit. */
export function adamw(
  parameter: usize,
  gradient: usize,
  m: usize,
  v: usize,
  learningRate: f64,
  beta1: f64,
  beta2: f64,
  epsilon: f64,
  weightDecay: f64,
  correction1: f64,
  correction2: f64,
  gradientScale: f64,
  from: i32,
  to: i32,
): void {
  const keep1 = f32x4.splat(<f32>beta1);
  const keep2 = f32x4.splat(<f32>beta2);
  const take1 = f32x4.splat(<f32>(1 - beta1));
  const take2 = f32x4.splat(<f32>(1 - beta2));
  const decay = f32x4.splat(<f32>(learningRate * weightDecay));
  const step = f32x4.splat(<f32>(learningRate / correction1));
  const rootScale = f32x4.splat(<f32>(1 / Math.sqrt(correction2)));
  const floor = f32x4.splat(<f32>epsilon);
  const scale = f32x4.splat(<f32>gradientScale);
  const end = (<usize>to) << 2;
  for (let at = (<usize>from) << 2; at < end; at += 16) {
    // The last lanes go through the same vector operations, so an element never depends on where a range ends.
    const count = min(4, <i32>((end - at) >> 2));
    const isWhole = count === 4;
    const g = f32x4.mul(isWhole ? v128.load(gradient + at) : Lane.loadSome(gradient + at, count), scale);
    const oldFirst = isWhole ? v128.load(m + at) : Lane.loadSome(m + at, count);
    const oldSecond = isWhole ? v128.load(v + at) : Lane.loadSome(v + at, count);
    const old = isWhole ? v128.load(parameter + at) : Lane.loadSome(parameter + at, count);
    const first = Lane.madd(keep1, oldFirst, f32x4.mul(take1, g));
    const second = Lane.madd(keep2, oldSecond, f32x4.mul(f32x4.mul(take2, g), g));
    const root = Lane.madd(f32x4.sqrt(second), rootScale, floor);
    const decayed = Lane.nmadd(decay, old, old);
    const updated = f32x4.sub(decayed, f32x4.div(f32x4.mul(step, first), root));
    if (isWhole) {
      v128.store(m + at, first);
      v128.store(v + at, second);
      v128.store(parameter + at, updated);
    } else {
      Lane.storeSome(m + at, first, count);
      Lane.storeSome(v + at, second, count);
      Lane.storeSome(parameter + at, updated, count);
    }
  }
}
