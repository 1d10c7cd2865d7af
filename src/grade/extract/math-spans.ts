/** @file Where a text has maths set apart: `$...$`, `\(...\)`, `\[...\]`, and displayed environments. */

/** A piece of maths: its delimiters run from `start` to `end`, its content stands between. */
export interface MathSpan {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** Longest piece of maths that is looked at, characters. */
const MAX_SPAN = 4_096;
const OPENERS = /\\\\|\\\$|\$\$|\$|\\\(|\\\[|\\begin\{(?:align|equation|gather|multline|displaymath|math)\*?\}/gu;
const ENVIRONMENT_END = /\\end\{(?:align|equation|gather|multline|displaymath|math)\*?\}/gu;

/** Every piece of maths from left to right. Linear in the text's length. */
export function mathSpans(text: string): MathSpan[] {
  const spans: MathSpan[] = [];
  const closers = new Closers(text);
  OPENERS.lastIndex = 0;
  for (let match = OPENERS.exec(text); match !== null; match = OPENERS.exec(text)) {
    const [opener] = match;
    if (opener === "\\\\" || opener === "\\$") continue;
    const from = match.index + opener.length;
    const close = closers.next(opener, from);
    if (close === null || close.start - from > MAX_SPAN) continue;
    if (opener === "$" && isCurrency(text, from, close.start)) continue;
    spans.push({ start: match.index, end: close.end, content: text.slice(from, close.start) });
    OPENERS.lastIndex = close.end;
  }
  return spans;
}

interface Closer {
  readonly start: number;
  readonly end: number;
}

/** Where each kind of maths closes next. What was found is kept until it is passed, so that each kind is searched once. */
class Closers {
  readonly #text: string;
  readonly #known = new Map<string, Closer | null>();

  constructor(text: string) {
    this.#text = text;
  }

  next(opener: string, from: number): Closer | null {
    const kind = opener.startsWith("\\begin") ? "\\begin" : opener;
    const known = this.#known.get(kind);
    if (known === null || (known !== undefined && known.start >= from)) return known;
    const found = kind === "\\begin" ? this.#environmentEnd(from) : this.#sign(kind, from);
    this.#known.set(kind, found);
    return found;
  }

  #environmentEnd(from: number): Closer | null {
    ENVIRONMENT_END.lastIndex = from;
    const match = ENVIRONMENT_END.exec(this.#text);
    return match && { start: match.index, end: match.index + match[0].length };
  }

  #sign(opener: string, from: number): Closer | null {
    const closer = opener === "\\(" ? "\\)" : opener === "\\[" ? "\\]" : opener;
    let at = this.#text.indexOf(closer, from);
    while (at !== -1 && closer.startsWith("$") && this.#text.charAt(at - 1) === "\\")
      at = this.#text.indexOf(closer, at + 1);
    return at === -1 ? null : { start: at, end: at + closer.length };
  }
}

/** `costs $5 and $6`: a sign before a number whose partner stands before the next number. */
function isCurrency(text: string, from: number, close: number): boolean {
  return /\d/.test(text.charAt(from)) && /\s/.test(text.charAt(close - 1)) && /\d/.test(text.charAt(close + 1));
}

const JOINT = /^[\s.,;]*(?:(?:and|or|und|oder|et)\b|\\(?:text|mathrm)\s*\{\s*(?:and|or)\s*\})?[\s,;]*$/iu;
/** Most characters between two answers that belong together. */
const MAX_JOINT = 70;
/** Most answers that are joined. */
const MAX_JOINED = 16;

/** Whether what stands between two answers only joins them: a comma, "and", "or". */
export function isJoint(between: string): boolean {
  if (between.length > MAX_JOINT) return false;
  const bare = between.replace(/\\q?quad/gu, " ").replace(/(?<!\\)\$|\\[()[\]]/gu, " ");
  return JOINT.test(bare) && bare.trim() !== ".";
}

/** The contents of the span at `index` and of those before it that are joined to it, as one list; and where it begins. */
export function joinedContents(
  text: string,
  spans: readonly MathSpan[],
  index: number,
): { text: string; first: number } {
  let first = index;
  while (first > 0 && index - first + 1 < MAX_JOINED) {
    const [before, here] = [spans[first - 1] as MathSpan, spans[first] as MathSpan];
    const between = text.slice(before.end, here.start);
    if (!isJoint(between) || between.trim() === "") break;
    first -= 1;
  }
  return {
    text: spans
      .slice(first, index + 1)
      .map(({ content }) => content)
      .join(" , "),
    first,
  };
}
