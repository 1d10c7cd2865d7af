/**
 * @file Four-lane float operations shared by the kernels. They are static methods because `@inline` is the only way to
 * promise inlining, and a decorator on a plain function is not TypeScript that a formatter can read.
 */

/** Inlined v128 operations. */
export class Lane {
  /** a * b + c: fused in the relaxed build, two roundings in the plain one. */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    if (RELAXED) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** c - a * b. */
  @inline static nmadd(a: v128, b: v128, c: v128): v128 {
    if (RELAXED) return f32x4.relaxed_nmadd(a, b, c);
    return f32x4.sub(c, f32x4.mul(a, b));
  }

  /** (l0 + l2) + (l1 + l3). */
  @inline static sum(x: v128): f32 {
    const pair = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 2, 3));
    return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1);
  }

  /** The largest lane. */
  @inline static largest(x: v128): f32 {
    return max(
      max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
      max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
    );
  }

  /** The first `count` (1 to 3) floats at `pointer`, zeros after them; reads nothing past them. */
  @inline static loadSome(pointer: usize, count: i32): v128 {
    let x = v128.load32_zero(pointer);
    if (count > 1) x = v128.load_lane<f32>(pointer, x, 1, 4);
    if (count > 2) x = v128.load_lane<f32>(pointer, x, 2, 8);
    return x;
  }

  /** Stores the first `count` (1 to 3) lanes. */
  @inline static storeSome(pointer: usize, x: v128, count: i32): void {
    v128.store_lane<f32>(pointer, x, 0);
    if (count > 1) v128.store_lane<f32>(pointer, x, 1, 4);
    if (count > 2) v128.store_lane<f32>(pointer, x, 2, 8);
  }

  /** The first four of eight bf16 as f32: each becomes the upper half of its lane. */
  @inline static widenLow(halves: v128): v128 {
    return v128.shuffle<u16>(i32x4.splat(0), halves, 0, 8, 1, 9, 2, 10, 3, 11);
  }

  /** The last four. */
  @inline static widenHigh(halves: v128): v128 {
    return v128.shuffle<u16>(i32x4.splat(0), halves, 4, 12, 5, 13, 6, 14, 7, 15);
  }
}
