/** @file The simple rational that a real is to all its digits, where it is one: `\sin 30^\circ` is 1/2. */
import { type Rational, rational, whole } from "./rational.ts";
import { type Real, sizeOf } from "./real.ts";

/** Largest denominator that counts as simple. */
const MAX_DENOMINATOR = 1_000_000n;
/** 1 over this is the relative distance that counts as none: 55 digits. */
const NEARNESS = 10n ** 55n;
const MAX_STEPS = 40;
/** Larger and smaller numbers are no simple rationals. */
const MAX_BITS = 512;

/** By its continued fraction; null where no simple rational is near enough. */
export function rationalNear({ mantissa, exponent }: Real): Rational | null {
  if (Math.abs(sizeOf({ mantissa, exponent })) > MAX_BITS) return mantissa === 0n ? whole(0) : null;
  const [top, bottom] = exponent >= 0 ? [mantissa << BigInt(exponent), 1n] : [mantissa, 1n << BigInt(-exponent)];
  let [p, pBefore, q, qBefore] = [1n, 0n, 0n, 1n];
  let [over, under] = [top, bottom];
  for (let step = 0; step < MAX_STEPS && under !== 0n; step++) {
    const part = floorQuotient(over, under);
    [p, pBefore, q, qBefore] = [part * p + pBefore, p, part * q + qBefore, q];
    if (q > MAX_DENOMINATOR) return null;
    // |p/q - top/bottom| / |top/bottom|, multiplied out.
    const gap = p * bottom - q * top;
    if ((gap < 0n ? -gap : gap) * NEARNESS <= (top < 0n ? -top : top) * q) return rational(p, q);
    [over, under] = [under, over - part * under];
  }
  return null;
}

function floorQuotient(over: bigint, under: bigint): bigint {
  const quotient = over / under;
  return over < 0n && quotient * under !== over ? quotient - 1n : quotient;
}
