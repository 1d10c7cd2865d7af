/** @file Kernels that go through rows one by one: rotary positions, SwiGLU, embeddings, cross-entropy. */
import { Exp, naturalLog } from "./exp";
import { Lane } from "./lane";

/** See `Kernels.rope`. */
export function rope(
  x: usize,
  positions: usize,
  table: usize,
  heads: i32,
  headSize: i32,
  rowStride: i32,
  direction: f32,
  from: i32,
  to: i32,
): void {
  const half = headSize >> 1;
  const halfBytes = (<usize>half) << 2;
  const whole = (<usize>(half & ~3)) << 2;
  const rest = half & 3;
  const sign = f32x4.splat(direction);
  for (let row = from; row < to; row++) {
    const cosines = table + ((<usize>load<i32>(positions + ((<usize>row) << 2)) * headSize) << 2);
    const sines = cosines + halfBytes;
    let first = x + ((<usize>row * rowStride) << 2);
    for (let head = 0; head < heads; head++) {
      const second = first + halfBytes;
      let i: usize = 0;
      for (; i < whole; i += 16) {
        const cos = v128.load(cosines + i);
        const sin = f32x4.mul(v128.load(sines + i), sign);
        const a = v128.load(first + i);
        const b = v128.load(second + i);
        v128.store(first + i, Lane.nmadd(b, sin, f32x4.mul(a, cos)));
        v128.store(second + i, Lane.madd(a, sin, f32x4.mul(b, cos)));
      }
      if (rest > 0) {
        const cos = Lane.loadSome(cosines + i, rest);
        const sin = f32x4.mul(Lane.loadSome(sines + i, rest), sign);
        const a = Lane.loadSome(first + i, rest);
        const b = Lane.loadSome(second + i, rest);
        Lane.storeSome(first + i, Lane.nmadd(b, sin, f32x4.mul(a, cos)), rest);
        Lane.storeSome(second + i, Lane.madd(a, sin, f32x4.mul(b, cos)), rest);
      }
      first += 2 * halfBytes;
    }
  }
}

/** See `Kernels.swigluForward`. */
export function swigluForward(gateUp: usize, out: usize, hidden: i32, from: i32, to: i32): void {
  const bytes = (<usize>hidden) << 2;
  const whole = (<usize>(hidden & ~3)) << 2;
  const rest = hidden & 3;
  for (let row = from; row < to; row++) {
    const gates = gateUp + <usize>row * 2 * bytes;
    const ups = gates + bytes;
    const target = out + <usize>row * bytes;
    let i: usize = 0;
    for (; i < whole; i += 16) {
      const gate = v128.load(gates + i);
      v128.store(target + i, f32x4.mul(f32x4.mul(gate, Exp.sigmoid(gate)), v128.load(ups + i)));
    }
    if (rest > 0) {
      const gate = Lane.loadSome(gates + i, rest);
      Lane.storeSome(target + i, f32x4.mul(f32x4.mul(gate, Exp.sigmoid(gate)), Lane.loadSome(ups + i, rest)), rest);
    }
  }
}

/** See `Kernels.swigluBackward`. */
export function swigluBackward(gateUp: usize, dout: usize, dGateUp: usize, hidden: i32, from: i32, to: i32): void {
  const bytes = (<usize>hidden) << 2;
  const whole = (<usize>(hidden & ~3)) << 2;
  const rest = hidden & 3;
  const one = f32x4.splat(1);
  for (let row = from; row < to; row++) {
    const gates = gateUp + <usize>row * 2 * bytes;
    const ups = gates + bytes;
    const dGates = dGateUp + <usize>row * 2 * bytes;
    const dUps = dGates + bytes;
    const gradients = dout + <usize>row * bytes;
    for (let i: usize = 0; i < bytes; i += 16) {
      const isWhole = i < whole;
      const gate = isWhole ? v128.load(gates + i) : Lane.loadSome(gates + i, rest);
      const up = isWhole ? v128.load(ups + i) : Lane.loadSome(ups + i, rest);
      const gradient = isWhole ? v128.load(gradients + i) : Lane.loadSome(gradients + i, rest);
      const sigmoid = Exp.sigmoid(gate);
      const scaled = f32x4.mul(gradient, sigmoid);
      const slope = Lane.madd(gate, f32x4.sub(one, sigmoid), one);
      const dGate = f32x4.mul(f32x4.mul(scaled, up), slope);
      const dUp = f32x4.mul(scaled, gate);
      if (isWhole) {
        v128.store(dGates + i, dGate);
        v128.store(dUps + i, dUp);
      } else {
        Lane.storeSome(dGates + i, dGate, rest);
        Lane.storeSome(dUps + i, dUp, rest);
      }
    }
  }
}

/** Copies `count` floats. */
function copyFloats(source: usize, target: usize, count: i32): void {
  const whole = (<usize>(count & ~3)) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) v128.store(target + i, v128.load(source + i));
  for (const end = (<usize>count) << 2; i < end; i += 4) store<f32>(target + i, load<f32>(source + i));
}

/** See `Kernels.embeddingForward`. */
export function embeddingForward(ids: usize, table: usize, out: usize, channels: i32, from: i32, to: i32): void {
  const bytes = (<usize>channels) << 2;
  for (let row = from; row < to; row++) {
    copyFloats(table + <usize>load<i32>(ids + ((<usize>row) << 2)) * bytes, out + <usize>row * bytes, channels);
  }
}

/** See `Kernels.embeddingForwardBf16`. */
export function embeddingForwardBf16(ids: usize, table: usize, out: usize, channels: i32, from: i32, to: i32): void {
  const whole = <usize>(channels & ~7);
  for (let row = from; row < to; row++) {
    const source = table + <usize>load<i32>(ids + ((<usize>row) << 2)) * channels * 2;
    const target = out + ((<usize>row * channels) << 2);
    let c: usize = 0;
    for (; c < whole; c += 8) {
      const halves = v128.load(source + (c << 1));
      v128.store(target + (c << 2), Lane.widenLow(halves));
      v128.store(target + (c << 2), Lane.widenHigh(halves), 16);
    }
    for (; c < <usize>channels; c++) store<u32>(target + (c << 2), (<u32>load<u16>(source + (c << 1))) << 16);
  }
}

/** See `Kernels.embeddingBackward`. */
export function embeddingBackward(
  ids: usize,
  dout: usize,
  dtable: usize,
  rows: i32,
  channels: i32,
  from: i32,
  to: i32,
): void {
  const bytes = (<usize>channels) << 2;
  const start = (<usize>from) << 2;
  const whole = start + ((<usize>((to - from) & ~3)) << 2);
  const end = (<usize>to) << 2;
  for (let row = 0; row < rows; row++) {
    const source = dout + <usize>row * bytes;
    const target = dtable + <usize>load<i32>(ids + ((<usize>row) << 2)) * bytes;
    let c = start;
    for (; c < whole; c += 16) v128.store(target + c, f32x4.add(v128.load(target + c), v128.load(source + c)));
    for (; c < end; c += 4) store<f32>(target + c, load<f32>(target + c) + load<f32>(source + c));
  }
}

/** See `Kernels.crossEntropy`. */
export function crossEntropy(
  logits: usize,
  targets: usize,
  weights: usize,
  losses: usize,
  vocabulary: i32,
  stride: i32,
  from: i32,
  to: i32,
): void {
  for (let row = from; row < to; row++) {
    const base = logits + ((<usize>row * stride) << 2);
    const at = (<usize>row) << 2;
    const weight = load<f32>(weights + at);
    if (weight === 0) {
      store<f32>(losses + at, 0);
      memory.fill(base, 0, (<usize>stride) << 2);
      continue;
    }
    const largest = largestOf(base, vocabulary);
    const target = base + ((<usize>load<i32>(targets + at)) << 2);
    const chosen = load<f32>(target);
    const total = expAndSum(base, vocabulary, largest);
    store<f32>(losses + at, weight * <f32>(naturalLog(<f64>total) + <f64>(largest - chosen)));
    scale(base, vocabulary, weight / total);
    store<f32>(target, load<f32>(target) - weight);
    memory.fill(base + ((<usize>vocabulary) << 2), 0, (<usize>(stride - vocabulary)) << 2);
  }
}

function largestOf(x: usize, count: i32): f32 {
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~3)) << 2);
  let lanes = f32x4.splat(-Infinity);
  for (; x < whole; x += 16) lanes = f32x4.pmax(lanes, v128.load(x));
  let largest = Lane.largest(lanes);
  for (; x < end; x += 4) largest = max(largest, load<f32>(x));
  return largest;
}

/** x = e^(x - largest); returns the sum, in sixteen partial sums so that long rows lose no digits. */
function expAndSum(x: usize, count: i32, largest: f32): f32 {
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~15)) << 2);
  const shift = f32x4.splat(largest);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; x < whole; x += 64) {
    const e0 = Exp.of(f32x4.sub(v128.load(x), shift));
    v128.store(x, e0);
    s0 = f32x4.add(s0, e0);
    const e1 = Exp.of(f32x4.sub(v128.load(x, 16), shift));
    v128.store(x, e1, 16);
    s1 = f32x4.add(s1, e1);
    const e2 = Exp.of(f32x4.sub(v128.load(x, 32), shift));
    v128.store(x, e2, 32);
    s2 = f32x4.add(s2, e2);
    const e3 = Exp.of(f32x4.sub(v128.load(x, 48), shift));
    v128.store(x, e3, 48);
    s3 = f32x4.add(s3, e3);
  }
  let sum = Lane.sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; x < end; x += 4) {
    const e = Exp.one(load<f32>(x) - largest);
    store<f32>(x, e);
    sum += e;
  }
  return sum;
}

function scale(x: usize, count: i32, factor: f32): void {
  const end = x + ((<usize>count) << 2);
  const whole = x + ((<usize>(count & ~3)) << 2);
  const factors = f32x4.splat(factor);
  for (; x < whole; x += 16) v128.store(x, f32x4.mul(v128.load(x), factors));
  for (; x < end; x += 4) store<f32>(x, load<f32>(x) * factor);
}
