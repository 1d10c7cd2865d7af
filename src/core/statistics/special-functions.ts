/** @file The special functions and quantiles that intervals need, in f64, without a library. */

/** Lanczos coefficients for g = 7, n = 9 (Godfrey); relative error of gamma below 1e-14 for arguments above 1/2. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Natural logarithm of the gamma function for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  let series: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) series += (LANCZOS[i] as number) / (shifted + i);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}

/**
 * Regularised incomplete beta function I_x(a, b) for a, b > 0 and x from 0 to 1.
 * @source DLMF 8.17.22, the continued fraction, evaluated by Lentz's method on the side where it converges fast
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(logFront) / a) * betaFraction(x, a, b);
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return fraction;
}

/** Probability that Student's t with `df` > 0 degrees of freedom is at most `t`. */
export function tCdf(t: number, df: number): number {
  const tail = 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/** The t below which Student's distribution with `df` > 0 degrees of freedom has probability `p`, 0 < p < 1. */
export function tQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -tQuantile(1 - p, df);
  return solveIncreasing((t) => tCdf(t, df), p);
}

/** Probability that a standard normal is at most `z`; P(|Z| > z) is the regularised incomplete gamma Q(1/2, z²/2). */
export function normalCdf(z: number): number {
  const tail = 0.5 * upperGammaHalf((z * z) / 2);
  return z > 0 ? 1 - tail : tail;
}

/** The z below which the standard normal has probability `p`, 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p === 0.5) return 0;
  // In the lower tail, where probabilities keep their relative precision.
  if (p > 0.5) return -normalQuantile(1 - p);
  return -solveIncreasing((z) => -normalCdf(-z), -p);
}

/** Q(1/2, x): a series for small x, a continued fraction (DLMF 8.9.2) for large. */
function upperGammaHalf(x: number): number {
  const front = Math.exp(-x - logGamma(0.5)) * Math.sqrt(x);
  if (x < 1.5) {
    let term = 2;
    let sum = term;
    for (let n = 1; term > sum * 1e-17; n++) sum += term *= x / (n + 0.5);
    return 1 - front * sum;
  }
  let b = x + 0.5;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n <= 500; n++) {
    const a = -n * (n - 0.5);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return front * fraction;
}

/** The positive root of `f(x) = target` for an increasing f with f(0) below the target: double, then bisect to the bit. */
function solveIncreasing(f: (x: number) => number, target: number): number {
  let high = 1;
  while (f(high) < target && high < 1e300) high *= 2;
  let low = 0;
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    if (f(middle) < target) low = middle;
    else high = middle;
  }
}
