/** @file The arithmetic ceiling of one thread, for benchmarks: no memory, twelve independent chains. */
import { Lane } from "./lane";

class Peak {
  /** Fused, the sum is the operand that is overwritten; unfused, the product must differ or it is computed only once. */
  @inline static step(x: v128, factor: v128, term: v128): v128 {
    if (RELAXED) return Lane.madd(factor, term, x);
    return Lane.madd(x, factor, term);
  }
}

/** Runs 12 x 4 multiply-adds per iteration in registers (96 flops); returns a value so that nothing is optimised away. */
export function peak(iterations: i32): f32 {
  // Not constants, which V8 would build anew at every use.
  const zero = <f32>(iterations >> 31);
  const factor = f32x4.splat(zero + 0.999);
  const term = f32x4.splat(zero + 0.001);
  let a = term;
  let b = factor;
  let c = term;
  let d = factor;
  let e = term;
  let f = factor;
  let g = term;
  let h = factor;
  let i = term;
  let j = factor;
  let k = term;
  let l = factor;
  for (let n = 0; n < iterations; n++) {
    a = Peak.step(a, factor, term);
    b = Peak.step(b, factor, term);
    c = Peak.step(c, factor, term);
    d = Peak.step(d, factor, term);
    e = Peak.step(e, factor, term);
    f = Peak.step(f, factor, term);
    g = Peak.step(g, factor, term);
    h = Peak.step(h, factor, term);
    i = Peak.step(i, factor, term);
    j = Peak.step(j, factor, term);
    k = Peak.step(k, factor, term);
    l = Peak.step(l, factor, term);
  }
  const left = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(e, f));
  const right = f32x4.add(f32x4.add(f32x4.add(g, h), f32x4.add(i, j)), f32x4.add(k, l));
  return Lane.sum(f32x4.add(left, right));
}
