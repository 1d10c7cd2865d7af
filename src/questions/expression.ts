/** @file Reads and evaluates expressions of numbers, + - * / and parentheses, exactly; the text may be hostile. */
import { combine, fraction, type Fraction } from "./fraction.ts";

/** What an expression comes to, and the numbers that it is written with, from left to right. */
export interface Evaluated {
  readonly value: Fraction;
  readonly numbers: readonly string[];
}

const MAX_LENGTH = 600;
const MAX_DEPTH = 40;
/** Digits of one number, at either side of its point. */
const MAX_DIGITS = 30;
const NUMBER = new RegExp(`^([0-9]{1,${MAX_DIGITS}})(?:\\.([0-9]{1,${MAX_DIGITS}}))?`);

/** The expression's exact value; null where the text is no expression, divides by 0, is too long or too deep. */
export function evaluate(text: string): Evaluated | null {
  if (text.length > MAX_LENGTH) return null;
  const reader = new Reader(text.replace(/\s+/gu, " ").trim());
  const value = reader.sum(0);
  return value === null || !reader.isAtEnd() ? null : { value, numbers: reader.numbers };
}

class Reader {
  readonly numbers: string[] = [];
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#skip();
    return this.#at === this.#text.length;
  }

  sum(depth: number): Fraction | null {
    return this.#chain(["+", "-"], () => this.#chain(["*", "/"], () => this.#factor(depth)));
  }

  /** Operands joined by the operations, from left to right. */
  #chain(operations: readonly ("+" | "-" | "*" | "/")[], operand: () => Fraction | null): Fraction | null {
    let left = operand();
    for (;;) {
      const operation = operations.find((sign) => this.#take(sign));
      if (left === null || operation === undefined) return left;
      const right = operand();
      left = right && combine(left, operation, right);
    }
  }

  #factor(depth: number): Fraction | null {
    if (depth > MAX_DEPTH) return null;
    if (this.#take("-")) {
      const value = this.#factor(depth + 1);
      return value && fraction(-value.n, value.d);
    }
    if (!this.#take("(")) return this.#number();
    const value = this.sum(depth + 1);
    return this.#take(")") ? value : null;
  }

  #number(): Fraction | null {
    this.#skip();
    const match = NUMBER.exec(this.#text.slice(this.#at, this.#at + 2 * MAX_DIGITS + 1));
    if (match === null) return null;
    const [text, whole = "", decimals = ""] = match;
    this.#at += text.length;
    this.numbers.push(text);
    return fraction(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
  }

  #take(sign: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skip(): void {
    while (this.#text[this.#at] === " ") this.#at += 1;
  }
}
