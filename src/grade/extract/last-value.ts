/** @file The last value in prose: a piece of maths set apart, a bare expression, or a number with its signs. */
import { joinedContents, mathSpans, type MathSpan } from "./math-spans.ts";

/** What extraction looks for: LaTeX set apart, plain expressions and numbers, or both. */
export type Targets = readonly ("latex" | "expr")[];

/** A value's text and where it ends. */
export interface FoundValue {
  readonly text: string;
  readonly end: number;
}

/** Values that are offered, from the last. */
const MAX_VALUES = 4;
/** Longest bare expression that is looked at, characters. */
const MAX_EXPRESSION = 200;

/** The last values of a text, from right to left. */
export function lastValues(text: string, targets: Targets): FoundValue[] {
  const found = joinedByOr(text, valuesFromEnd(text, targets));
  const [last, before] = found;
  if (last === undefined || before === undefined || !/[.%]/.test(last.text)) return found;
  const between = shortBetween(text, before, last);
  // "2/3, or about 0.667" is one value and what it comes to.
  return APPROXIMATELY.test(between)
    ? [{ text: `${before.text} \\approx ${last.text}`, end: last.end }, ...found.slice(1)]
    : found;
}

/** Most characters between a value and what is said of it. */
const MAX_BETWEEN = 40;

/** What stands between two values; nothing where it is too long to join them. */
function shortBetween(text: string, before: FoundValue, last: FoundValue): string {
  const end = last.end - last.text.length;
  return end - before.end > MAX_BETWEEN ? "" : text.slice(before.end, end);
}

const OR = /^\s*,?\s*(?:or|and)\s+$/u;

/** "x = 2 or x = 3" in prose is one answer. */
function joinedByOr(text: string, found: readonly FoundValue[]): FoundValue[] {
  const [last, before, ...rest] = found;
  if (last === undefined || before === undefined) return [...found];
  if (!OR.test(shortBetween(text, before, last))) return [...found];
  return [{ text: `${before.text} , ${last.text}`, end: last.end }, ...rest];
}

const APPROXIMATELY =
  /^[\s$,;(]*(?:or|which is|that is|i\.e\.,?)?\s*(?:approximately|approx\.?|about|roughly|≈|\\approx)\s*[$(]?$/iu;

function valuesFromEnd(text: string, targets: Targets): FoundValue[] {
  const spans = targets.includes("latex") ? mathSpans(text) : [];
  const found: FoundValue[] = [];
  let before = text.length;
  let span = spans.length - 1;
  while (found.length < MAX_VALUES) {
    const here = spans[span];
    const plain = targets.includes("expr") ? lastPlain(text, before, here?.end ?? 0) : null;
    if (plain !== null) {
      if (!isVoid(text, plain.end - plain.text.length, plain.end)) found.push(plain);
      before = plain.end - plain.text.length;
    } else if (here !== undefined) {
      const joined = joinedContents(text, spans, span);
      before = spans[joined.first]?.start ?? 0;
      if (!isVoid(text, before, here.end)) found.push({ text: withPercent(text, here, joined.text), end: here.end });
      span = joined.first - 1;
    } else return found;
  }
  return found;
}

const NEGATED_BEFORE =
  /(?:\bnot|\bnever|n['’]t|\bmore than|\bless than|\bat least|\bat most|\bout of)\s+(?:be\s+|equal(?:\s+to)?\s+)?$/iu;
const DENIED_BEHIND = /^[\s,]*(?:is|are|was)(?:\s+not|n['’]t|\s+(?:wrong|incorrect|false))\b/iu;

/** Whether a value is named only to be denied or to bound another: "not 7", "7 is wrong", "more than 7". */
export function isVoid(text: string, start: number, end: number): boolean {
  if (!/\s/u.test(text.charAt(start - 1)) && !/[\s,]/u.test(text.charAt(end))) return false;
  return (
    NEGATED_BEFORE.test(text.slice(Math.max(0, start - 24), start)) || DENIED_BEHIND.test(text.slice(end, end + 24))
  );
}

const PERCENT = /^\s*(?:\\?%|per\s?cent\b|pct\b)/iu;

function withPercent(text: string, { end }: MathSpan, content: string): string {
  return PERCENT.test(text.slice(end, end + 16)) ? `${content}\\%` : content;
}

/** The last bare value that ends before `before` and begins behind `after`. */
function lastPlain(text: string, before: number, after: number): FoundValue | null {
  let end = before;
  while (end > after && !/[0-9∞πi%°½⅓⅔¼¾²³!)\]}]/u.test(text.charAt(end - 1))) end -= 1;
  for (; end > after; end -= 1) {
    const character = text.charAt(end - 1);
    if (!/[0-9∞½⅓⅔¼¾]/u.test(character)) continue;
    return grow(text, { start: end - 1, end }, { before, after });
  }
  return null;
}

/** Signs that may stand inside a number or a bare expression of numbers. */
const INSIDE = /[0-9.,/*^+\-−–×÷·:√π∞½⅓⅔¼¾²³()[\]{}\\_!|=<>≤≥≠∪∩%°€$£'’ ]/u;
const COMMAND_LETTERS =
  /\\(?:frac|dfrac|tfrac|sqrt|pi|cdot|times|infty|cup|cap|pm|left|right|binom|le|ge|leq|geq|neq|text|mathrm|circ|log|ln|sin|cos|tan|theta|alpha|beta|overline)$/u;

/** Grows from a digit to the whole expression of signs, digits and commands around it. */
function grow(
  text: string,
  seed: { readonly start: number; readonly end: number },
  { before, after }: { readonly before: number; readonly after: number },
): FoundValue {
  let { start, end } = seed;
  const lowest = Math.max(after, seed.start - MAX_EXPRESSION);
  while (start > lowest) {
    const character = text.charAt(start - 1);
    if (INSIDE.test(character)) start -= 1;
    else if (/[a-zA-Z]/.test(character)) {
      const word = /\\?[a-zA-Z]+$/u.exec(text.slice(Math.max(lowest, start - 24), start))?.[0] ?? "";
      if (!COMMAND_LETTERS.test(word) && !/^(?:sqrt|pi|x|y)$/.test(word)) break;
      start -= word.length;
    } else break;
  }
  // A number is never cut: one that is too long is told apart from one that is short.
  while (start > after && /\d/.test(text.charAt(start)) && /\d/.test(text.charAt(start - 1))) start -= 1;
  const highest = Math.min(before, seed.end + 24);
  while (end < highest && /[0-9)\]}!%°²³π]/u.test(text.charAt(end))) end += 1;
  const tail = /^\s*(?:\\?%|per\s?cent\b|pct\b)/iu.exec(text.slice(end, highest))?.[0] ?? "";
  const raw = text.slice(start, end);
  return { text: `${balanced(raw)}${tail === "" ? "" : "%"}`, end };
}

/** The longest end of a text whose brackets close, without signs that cannot begin a value. */
function balanced(text: string): string {
  let depth = 0;
  let start = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    const character = text.charAt(at);
    if (")]}".includes(character)) depth += 1;
    else if ("([{".includes(character)) depth -= 1;
    if (depth < 0) {
      start = at + 1;
      break;
    }
  }
  return unbraced(text.slice(start)).replace(/^[\s.,/*^:=)\]}!%'’+×÷·]+/u, "");
}

/** `{0.5}` of a command's argument is 0.5. */
function unbraced(text: string): string {
  return /^\{[^{}]*\}$/u.test(text) ? text.slice(1, -1) : text;
}

const LAST_NUMBER =
  /(?<!\d|\d[.,]|[<>≤≥≠]\s?|\\(?:le|ge|lt|gt|ne)q?\s?)[-−]?[$€£]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:\s*\\?%)?/gu;

/** The last number alone of a text, for when the expression around it is none; null where there is no digit. */
export function lastNumber(text: string): string | null {
  const tail = text.slice(-4_096);
  const matches = [...tail.matchAll(LAST_NUMBER)];
  for (let at = matches.length - 1; at >= 0; at--) {
    const match = matches[at] as RegExpExecArray;
    if (!isVoid(tail, match.index, match.index + match[0].length)) return match[0];
  }
  return null;
}
