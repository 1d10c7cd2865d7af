/** @file Money is a whole number of micro-dollars (1e-6 USD): sums are exact and a cap means what it says. */
import { AppError, invariant } from "../core/errors.ts";

const MICRO_PER_USD = 1_000_000;
const AMOUNT = /^\$?(\d{1,9})(?:\.(\d{1,6}))?$/;

/** Throws (a bug in Grappa) unless `value` is a whole, non-negative, exactly representable number of micro-dollars. */
export function assertMicroUsd(value: number, what: string): void {
  invariant(Number.isSafeInteger(value) && value >= 0, `${what} must be whole micro-dollars, got ${value}`);
}

/** The amount in full, never rounded, with two to six decimals: 4200 is `$0.0042`, 1000000 is `$1.00`. */
export function formatUsd(microUsd: number): string {
  invariant(Number.isSafeInteger(microUsd), `an amount must be whole micro-dollars, got ${microUsd}`);
  const digits = String(Math.abs(microUsd)).padStart(7, "0");
  const decimals = digits.slice(-6).replace(/0{1,4}$/, "");
  return `${microUsd < 0 ? "-" : ""}$${digits.slice(0, -6)}.${decimals}`;
}

/**
 * Micro-dollars of a written amount such as `$0.0042`, `12` or `1.50`; the inverse of {@link formatUsd}.
 * @throws {AppError} `usage`: another form, more than six decimals, or a billion dollars and more.
 */
export function parseUsd(text: string): number {
  const match = AMOUNT.exec(text.trim());
  if (match === null) {
    throw new AppError("usage", `"${text.slice(0, 40)}" is not an amount in dollars`, {
      hint: "write it as 12, 1.50 or $0.0042, with at most six decimals",
    });
  }
  return Number(match[1]) * MICRO_PER_USD + Number((match[2] ?? "").padEnd(6, "0"));
}

/**
 * Micro-dollars of a number of dollars, to the nearest: recipes write dollars as JSON numbers.
 * @throws {AppError} `usage`: negative, not finite, or too large to count exactly.
 */
export function microUsdFromUsd(usd: number): number {
  const microUsd = Math.round(usd * MICRO_PER_USD);
  if (!Number.isSafeInteger(microUsd) || microUsd < 0) {
    throw new AppError("usage", `${usd} dollars cannot be counted in whole micro-dollars`, {
      hint: "give an amount from 0 to 1,000,000,000",
    });
  }
  return microUsd;
}
