import type { Prng } from "../../../src/core/prng.ts";

/** Ways to write one answer, by the name of the rewriting: as LaTeX maths, or as people type it into plain text. */
export interface Forms {
  readonly latex?: Readonly<Record<string, string>>;
  readonly plain?: Readonly<Record<string, string>>;
}

/** An answer with other forms of the same value, and with values that are close to it but wrong. */
export interface GeneratedGold {
  /** LaTeX without delimiters. */
  readonly gold: string;
  readonly same: Forms;
  readonly other: Forms;
}

/** Makes answers of one kind. */
export type GoldKind = (random: Prng) => GeneratedGold;

/** Greatest common divisor of two positive whole numbers. */
export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The forms whose text differs from what must not be written, such as a "wrong" value that came out right. */
export function except(forms: Readonly<Record<string, string>>, banned: string): Record<string, string> {
  return Object.fromEntries(Object.entries(forms).filter(([, text]) => text !== banned));
}
