/** @file `\boxed{...}`: the last one that holds something, with those that are joined to it. */
import { closingBrace } from "../maths/tokens.ts";
import { joinedContents, type MathSpan } from "./math-spans.ts";

const MARK = /\\(?:boxed|fbox|framebox)(?![a-zA-Z])|\\begin\{boxed\}|\\beginboxed/uy;
const END = /\\end\{boxed\}|\\endboxed/u;
const PERCENT_BEHIND = /^\s*(?:\$|\\\)|\\\])?\s*(?:\\?%|per\s?cent\b|pct\b)/iu;
/** Boxes that are looked at, from the last. */
const MAX_BOXES = 32;

/** The text of the last boxes, joined by commas; null where there is none. A percent sign behind the box goes with it. */
export function lastBoxed(text: string): string | null {
  const spans = lastMarks(text).flatMap(({ start, mark }) => contentOf(text, start, mark) ?? []);
  const filled = spans.filter(({ content }) => content.trim() !== "");
  if (filled.length === 0) return null;
  const outer = filled.filter((span, index) => !filled.slice(0, index).some((other) => other.end >= span.end));
  const named = outer.map((span) => withName(text, span));
  const together = joinedContents(text, named, named.length - 1);
  const joined = together.first < named.length - 1 ? together : joinedContents(text, outer, outer.length - 1);
  const last = outer.at(-1) as MathSpan;
  return PERCENT_BEHIND.test(text.slice(last.end, last.end + 24)) ? `${joined.text}\\%` : joined.text;
}

const NAME_BEFORE = /[a-zA-Z](?:_(?:\w|\{\w{1,8}\}))?\s*=\s*$/u;

/** A box with the name that it gives a value to: `a = \boxed{1}`. */
function withName(text: string, span: MathSpan): MathSpan {
  const name = NAME_BEFORE.exec(text.slice(Math.max(0, span.start - 24), span.start))?.[0] ?? "";
  return { ...span, start: span.start - name.length, content: `${name}${span.content}` };
}

/** The last marks, from left to right. */
function lastMarks(text: string): { readonly start: number; readonly mark: string }[] {
  const marks: { start: number; mark: string }[] = [];
  for (let at = text.lastIndexOf("box"); at !== -1 && marks.length < MAX_BOXES; at = text.lastIndexOf("box", at - 1)) {
    const start = text.lastIndexOf("\\", at);
    MARK.lastIndex = Math.max(0, start);
    const match = start === -1 || at - start > 8 ? null : MARK.exec(text);
    if (match !== null) marks.unshift({ start, mark: match[0] });
    if (at === 0) break;
  }
  return marks;
}

function contentOf(text: string, start: number, mark: string): MathSpan | null {
  let from = start + mark.length;
  while (text.charAt(from) === " ") from += 1;
  if (mark.includes("begin") && text.charAt(from) !== "{") {
    const end = END.exec(text.slice(from));
    return end && { start, end: from + end.index + end[0].length, content: text.slice(from, from + end.index) };
  }
  if (text.charAt(from) === "{") {
    const close = closingBrace(text, from);
    if (close !== -1) return { start, end: close + 1, content: text.slice(from + 1, close) };
    return toLineEnd(text, start, from + 1);
  }
  return toLineEnd(text, start, from);
}

/** A box that nothing closes ends with its line, or with the maths around it. */
function toLineEnd(text: string, start: number, from: number): MathSpan {
  const rest = text.slice(from, from + 512);
  const length = /\$|\\[)\]]|\n/u.exec(rest)?.index ?? rest.length;
  return { start, end: from + length, content: rest.slice(0, length) };
}
