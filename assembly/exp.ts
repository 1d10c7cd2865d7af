/**
 * @file e^x on four lanes. The constants are read from this thread's scratch: V8 13 (Node 24) builds a constant vector anew at
 * every use, in four instructions, where a load is one.
 */
import { Lane } from "./lane";
import { vectorConstants } from "./scratch";

/** The exponential function. */
export class Exp {
  /**
   * e^x = 2^n e^r with |r| <= ln(2)/2 and the polynomial of Cephes' expf (Moshier): relative error below 2e-7. Exactly 0
   * below -87.34, about 1.7e38 above 88; a NaN stays one.
   */
  @inline static of(x: v128): v128 {
    const table = vectorConstants();
    const lowest = v128.load(table);
    const round = v128.load(table, 48);
    const clamped = f32x4.pmin(f32x4.pmax(x, lowest), v128.load(table, 16));
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the mantissa.
    const shifted = Lane.madd(clamped, v128.load(table, 32), round);
    const n = f32x4.sub(shifted, round);
    const r = Lane.nmadd(n, v128.load(table, 80), Lane.nmadd(n, v128.load(table, 64), clamped));
    let p = Lane.madd(v128.load(table, 96), r, v128.load(table, 112));
    p = Lane.madd(p, r, v128.load(table, 128));
    p = Lane.madd(p, r, v128.load(table, 144));
    p = Lane.madd(p, r, v128.load(table, 160));
    p = Lane.madd(p, r, v128.load(table, 176));
    p = f32x4.add(Lane.madd(p, f32x4.mul(r, r), r), v128.load(table, 192));
    // The shift drops everything above n + 127 and makes 2^n.
    const power = i32x4.shl(i32x4.add(shifted, v128.load(table, 208)), 23);
    return v128.andnot(f32x4.mul(p, power), f32x4.lt(x, lowest));
  }

  /** e^x of one number, the same bits as a lane of `of`. */
  @inline static one(x: f32): f32 {
    return f32x4.extract_lane(Exp.of(f32x4.splat(x)), 0);
  }

  /** 1 / (1 + e^-x). */
  @inline static sigmoid(x: v128): v128 {
    const one = v128.load(vectorConstants(), 192);
    return f32x4.div(one, f32x4.add(one, Exp.of(f32x4.neg(x))));
  }
}

/** ln x of a positive normal number, to about 1e-14; written out because the library's is a table in shared memory. */
export function naturalLog(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + ...), |s| < 0.172
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let sum: f64 = 0;
  for (let n = 17; n > 1; n -= 2) sum = (sum + 1 / <f64>n) * z;
  return 2 * s * (sum + 1) + <f64>exponent * 0.6931471805599453;
}
