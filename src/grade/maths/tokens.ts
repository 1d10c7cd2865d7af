/** @file Cuts a normalised answer into tokens: numbers as people group them, words, letters, commands, signs. */
import { divide, decimal, multiply, power, type Rational, rational, whole, add } from "./rational.ts";
import { CONNECTIVES, FILLERS, FUNCTIONS, PERCENT_WORDS, SHORT_WORDS, TEXT_COMMANDS, UNITS } from "./vocabulary.ts";

/** How a comma between digits is read: `1,234` as one number, as two items, or as a decimal number. */
export type CommaReading = "thousands" | "items" | "decimal";

/** A token; `isSpaced`: white space stood before it. */
export type Token = { readonly isSpaced: boolean } & (
  | { readonly kind: "number"; readonly text: string; readonly value: Rational; readonly isDecimal: boolean }
  | { readonly kind: "time"; readonly minutes: number; readonly half: "am" | "pm" }
  | { readonly kind: "letter"; readonly text: string }
  | { readonly kind: "word"; readonly text: string; readonly isText: boolean }
  | { readonly kind: "function"; readonly text: string; readonly name: string }
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "sign"; readonly text: string }
);

/** More tokens than any answer has. */
const MAX_TOKENS = 2_048;
/** More digits than any answer has. */
export const MAX_DIGITS = 256;
/** Largest power of ten in scientific notation. */
const MAX_SCIENTIFIC_EXPONENT = 1_000;
const MAX_TEXT_NESTING = 8;

/** The tokens, or why there are none: `limit` names what was too large. */
export type Tokens =
  | { readonly status: "ok"; readonly tokens: readonly Token[] }
  | { readonly status: "limit"; readonly reason: string }
  | { readonly status: "failed"; readonly reason: string };

const DIGITS = /\d+/y;
const REPEATING = /(\d*)\.(\d*)\\(?:overline|bar|dot)\s*\{?(\d{1,32})\}?/y;
const GROUPED = /[1-9]\d{0,2}(?:,\d{3})+(?![\d,]\d)(?:\.\d+)?/y;
const SPACED = /[1-9]\d{0,2}(?: \d{3})+(?! ?\d)(?:\.\d+)?/y;
const DECIMAL_COMMA = /\d{1,3}(?:\.\d{3})+,\d+|\d+,\d+/y;
const PLAIN = /\d+(?:\.\d+)?|\.\d+/y;
const SCIENTIFIC = /[eE][+-]?\d{1,5}(?![\w.])/y;
const BASED_LETTERS = /(?:\d[0-9A-F]*|[A-F][0-9A-F]*)(?=_\{?\s*1[1-6])/y;
const TIME = /(\d{1,2})(?::(\d{2}))?\s*(?:\\(?:text|mathrm)\s*\{\s*)?([aApP])\.?\s?[mM]\.?(?![a-zA-Z])\s*\}?/y;
const LETTERS = /[A-Za-z]+/y;
const COMMAND = /\\(?:[A-Za-z]+|.)/y;
const SIGNS = /<=|>=|=<|!=|==|:=|[-+*/^_()[\]{},;:|!%&'=<>.#?"@$`~]/y;
const SPACE = /\s+/y;
const GLUED_FUNCTION = /^(sin|cos|tan|cot|sec|csc|log|ln)([a-z])$/;

/** Cuts a text that `normaliseAnswer` made. */
export function tokenise(text: string, comma: CommaReading): Tokens {
  const reader = new Reader(comma);
  const reason = reader.read(text, { isText: false, depth: 0 });
  if (reason !== null) return reason;
  return { status: "ok", tokens: reader.tokens };
}

class Reader {
  readonly tokens: Token[] = [];
  readonly #comma: CommaReading;

  constructor(comma: CommaReading) {
    this.#comma = comma;
  }

  /** Null when all went well. */
  read(text: string, place: { isText: boolean; depth: number }): Exclude<Tokens, { status: "ok" }> | null {
    let at = 0;
    let isSpaced = place.depth > 0;
    while (at < text.length) {
      if (this.tokens.length > MAX_TOKENS) return { status: "limit", reason: `more than ${MAX_TOKENS} tokens` };
      const space = match(SPACE, text, at);
      if (space) {
        at += space[0].length;
        isSpaced = true;
        continue;
      }
      const end = this.#one(text, at, { ...place, isSpaced });
      if (typeof end !== "number") return end;
      at = end;
      isSpaced = false;
    }
    return null;
  }

  /** Reads what stands at a place; where it ends. */
  #one(
    text: string,
    at: number,
    place: { isText: boolean; depth: number; isSpaced: boolean },
  ): number | Exclude<Tokens, { status: "ok" }> {
    const { isSpaced } = place;
    const character = text.charAt(at);
    if (/[\d.]/.test(character) || (character >= "A" && character <= "F")) {
      const end = this.#number(text, at, isSpaced);
      if (end !== null) return end;
    }
    const letters = match(LETTERS, text, at);
    if (letters) {
      this.#letters(letters[0], place);
      return at + letters[0].length;
    }
    if (character === "\\") return this.#command(text, at, place);
    const sign = match(SIGNS, text, at);
    if (!sign) return { status: "failed", reason: `a character that is no maths: U+${hex(text, at)}` };
    this.tokens.push({ kind: "sign", text: sign[0], isSpaced });
    return at + sign[0].length;
  }

  #number(text: string, at: number, isSpaced: boolean): number | null | Exclude<Tokens, { status: "ok" }> {
    const digits = match(DIGITS, text, at);
    if (digits && digits[0].length > MAX_DIGITS)
      return { status: "limit", reason: `a number of more than ${MAX_DIGITS} digits` };
    const time = match(TIME, text, at);
    if (time) {
      const [, hours = "", minutes = "00", half = ""] = time;
      if (Number(hours) <= 24 && Number(minutes) < 60) {
        this.tokens.push({ kind: "time", ...clock(Number(hours), Number(minutes), half), isSpaced });
        return at + time[0].length;
      }
    }
    const based = match(BASED_LETTERS, text, at);
    if (based && based[0].length > 1 && /[A-F]/.test(based[0])) {
      this.tokens.push({ kind: "number", text: based[0], value: whole(0), isDecimal: false, isSpaced });
      return at + based[0].length;
    }
    const repeating = match(REPEATING, text, at);
    if (repeating) {
      const value = repeatingDecimal(repeating);
      this.tokens.push({ kind: "number", text: repeating[0], value, isDecimal: false, isSpaced });
      return at + repeating[0].length;
    }
    return this.#plainNumber(text, at, isSpaced);
  }

  #plainNumber(text: string, at: number, isSpaced: boolean): number | null | Exclude<Tokens, { status: "ok" }> {
    const grouped =
      (this.#comma === "thousands" ? match(GROUPED, text, at) : null) ??
      (this.#comma === "items" ? null : match(SPACED, text, at)) ??
      (this.#comma === "decimal" ? match(DECIMAL_COMMA, text, at) : null);
    const plain = grouped ?? match(PLAIN, text, at);
    if (!plain) return null;
    const end = at + plain[0].length;
    const digits = plainDigits(plain[0], this.#comma);
    if (digits.length > MAX_DIGITS) return { status: "limit", reason: `a number of more than ${MAX_DIGITS} digits` };
    const scientific = match(SCIENTIFIC, text, end);
    const exponent = scientific ? Number(scientific[0].slice(1)) : 0;
    if (Math.abs(exponent) > MAX_SCIENTIFIC_EXPONENT)
      return { status: "limit", reason: `a power of ten beyond ${MAX_SCIENTIFIC_EXPONENT}` };
    const value = scaled(decimal(digits) ?? whole(0), exponent);
    const isDecimal = digits.includes(".");
    this.tokens.push({ kind: "number", text: digits, value, isDecimal, isSpaced });
    return end + (scientific?.[0].length ?? 0);
  }

  #letters(run: string, { isText, isSpaced }: { isText: boolean; isSpaced: boolean }): void {
    const lower = run.toLowerCase();
    const name = FUNCTIONS.get(run) ?? (run.length > 1 ? FUNCTIONS.get(lower) : undefined);
    if (name !== undefined) this.tokens.push({ kind: "function", text: run, name, isSpaced });
    else if (lower === "pi" || run === "infinity" || run === "infty" || run === "inf" || run === "oo")
      this.tokens.push({ kind: "command", text: lower === "pi" ? "\\pi" : "\\infty", isSpaced });
    else if (run.length === 1) this.tokens.push({ kind: "letter", text: run, isSpaced });
    else this.#longRun(run, { isText, isSpaced });
  }

  #longRun(run: string, { isText, isSpaced }: { isText: boolean; isSpaced: boolean }): void {
    const lower = run.toLowerCase();
    const glued = GLUED_FUNCTION.exec(run);
    if (glued) {
      const [, name = "", letter = ""] = glued;
      this.tokens.push(
        { kind: "function", text: name, name, isSpaced },
        { kind: "letter", text: letter, isSpaced: false },
      );
      return;
    }
    if (/^(?:st|nd|rd|th)$/.test(run) && !isSpaced && this.tokens.at(-1)?.kind === "number") return;
    const isUnit = UNITS.has(run) && this.#follows("number");
    const isCommon = SHORT_WORDS.has(lower) || CONNECTIVES.has(lower) || FILLERS.has(lower) || PERCENT_WORDS.has(lower);
    const isWord = isText || isUnit || isCommon || run.length >= 4;
    if (isWord) this.tokens.push({ kind: "word", text: run, isText, isSpaced });
    else
      Array.from(run).forEach((letter, index) =>
        this.tokens.push({ kind: "letter", text: letter, isSpaced: isSpaced && index === 0 }),
      );
  }

  /** Whether the last token is a number, or what may end a value. */
  #follows(kind: Token["kind"]): boolean {
    const last = this.tokens.at(-1);
    return last?.kind === kind || (last?.kind === "sign" && /^[)}\]]$/.test(last.text));
  }

  #command(
    text: string,
    at: number,
    { depth, isSpaced }: { depth: number; isSpaced: boolean },
  ): number | Exclude<Tokens, { status: "ok" }> {
    const name = match(COMMAND, text, at)?.[0] ?? "\\";
    const end = at + name.length;
    if (!TEXT_COMMANDS.has(name.slice(1))) {
      this.tokens.push({ kind: "command", text: name, isSpaced });
      return end;
    }
    const open = match(SPACE, text, end)?.[0].length ?? 0;
    if (text.charAt(end + open) !== "{") return end;
    const close = closingBrace(text, end + open);
    if (close === -1) return { status: "failed", reason: "a brace that nothing closes" };
    if (depth >= MAX_TEXT_NESTING) return { status: "limit", reason: `text nested more than ${MAX_TEXT_NESTING} deep` };
    const failure = this.read(text.slice(end + open + 1, close), { isText: true, depth: depth + 1 });
    return failure ?? close + 1;
  }
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function hex(text: string, at: number): string {
  return (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

/** Place of the brace that closes the one at `open`, -1 if none does; braces behind a backslash do not count. */
export function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") at += 1;
    else if (character === "{") depth += 1;
    else if (character === "}" && --depth === 0) return at;
  }
  return -1;
}

function plainDigits(text: string, comma: CommaReading): string {
  const bare = text.replaceAll(" ", "");
  return comma === "decimal" && bare.includes(",")
    ? bare.replaceAll(".", "").replace(",", ".")
    : bare.replaceAll(",", "");
}

function scaled(value: Rational, exponent: number): Rational {
  const scale = power(whole(10), BigInt(exponent));
  return scale === null ? value : multiply(value, scale);
}

/** `0.1\overline{6}`: the digits under the line over as many nines. */
function repeatingDecimal([, units = "", digits = "", period = ""]: RegExpExecArray): Rational {
  const head = decimal(`${units || "0"}.${digits}`) ?? whole(0);
  const shift = 10n ** BigInt(digits.length);
  const tail = rational(BigInt(period), (10n ** BigInt(period.length) - 1n) * shift) ?? whole(0);
  return add(head, tail);
}

function clock(hours: number, minutes: number, half: string): { minutes: number; half: "am" | "pm" } {
  const isAfternoon = half.toLowerCase() === "p";
  return { minutes: (hours % 12) * 60 + minutes + (isAfternoon ? 720 : 0), half: isAfternoon ? "pm" : "am" };
}

/** The value of a numeral in a base; null where a digit is too large or the base is none. */
export function numeralValue(digits: string, base: number): Rational | null {
  if (base < 2 || base > 16 || !/^[0-9A-F]+$/.test(digits)) return null;
  let value = 0n;
  for (const digit of digits) {
    const number = Number.parseInt(digit, 16);
    if (number >= base) return null;
    value = value * BigInt(base) + BigInt(number);
  }
  return divide(whole(value), whole(1));
}
