/** @file Numbers as a reader wants them: the same words in HTML, Markdown and terminal. A missing estimate reads "–". */
import type { Interval } from "../schema/records.ts";

const MISSING = "–";

/** `0.793` as `79.3 %`; with `digits` 0 as `79 %`. */
export function percent(share: number | null, digits = 1): string {
  return share === null || !Number.isFinite(share) ? MISSING : `${(share * 100).toFixed(digits)} %`;
}

/** `[0.745, 0.836]` as `74.5–83.6 %`. */
export function percentInterval(interval: Interval | null, digits = 1): string {
  if (interval === null) return MISSING;
  return `${(interval[0] * 100).toFixed(digits)}–${(interval[1] * 100).toFixed(digits)} %`;
}

/** A difference of shares in percentage points, with its sign: `+79.0 points`. */
export function points(difference: number | null): string {
  return difference === null ? MISSING : `${signed(difference * 100)} points`;
}

/** `3.21` as `+3.2`, `-0.5` as `−0.5` (a true minus). */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}

/** An integer with thousands separators; fractions are rounded. */
export function count(value: number): string {
  const digits = Math.abs(Math.round(value)).toString();
  return (value < 0 ? "−" : "") + digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A number of things: `1 question`, `1,319 questions`. For nouns whose plural is an s. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Elapsed time: `0.4 s`, `48 s`, `2 min 14 s`, `1 h 05 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Dollars: `$0`, `$0.0042`, `$12.30`. */
export function dollars(usd: number): string {
  if (usd === 0) return "$0";
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
}

/** Dollars from low to high: `$2.38–142.50`, or one figure where they are equal. */
export function dollarsRange([low, high]: readonly [number, number]): string {
  return low === high ? dollars(low) : `${dollars(low)}–${dollars(high).slice(1)}`;
}

/** A p-value as part of a sentence: `p < 0.0001`, `p = 0.0031`, `p = 0.42`. */
export function pValue(p: number | null): string {
  if (p === null) return "p not defined";
  if (p < 0.0001) return "p < 0.0001";
  return p < 0.01 ? `p = ${p.toFixed(4)}` : `p = ${p.toFixed(2)}`;
}

/** Parameters of a model: `0.86 million`, `32.8 billion`, `512`. */
export function parameterCount(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)} billion`;
  if (parameters >= 1e5) return `${(parameters / 1e6).toFixed(parameters < 1e7 ? 2 : 1)} million`;
  return count(parameters);
}

/** Bytes in GiB, as memory is sold: `15.6 GiB`. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** Keeps a number and its unit, and a p-value, on one line: `79 %` and `p < 0.01` with no-break spaces. */
export function noBreak(text: string): string {
  return text
    .replace(/(\d) (%|s\b|min\b|tokens\b|points\b)/g, "$1\u00a0$2")
    .replace(/\b(p|n) ([<=]) (\d)/g, "$1\u00a0$2\u00a0$3");
}
