/** @file Where a text of a model holds formulas and code, by their usual marks. Pure; nothing is lost: the sources in a row are the text. */

/** A part of a text. */
export interface TextPart {
  readonly kind: "text" | "maths" | "display" | "code";
  /** The part with its marks. */
  readonly source: string;
  /** What stands between the marks; of plain text the text. */
  readonly content: string;
  /** What a fence of code names; empty for everything else. */
  readonly language: string;
}

/** A longer formula is none: a dollar sign or a bracket was left open. Bounds the time also. */
const MOST_FORMULA_CHARACTERS = 2000;

const MARKS = /```|\$\$|\$|\\\[|\\\(/g;
const CLOSES: Readonly<Record<string, readonly [close: string, kind: TextPart["kind"]]>> = {
  $$: ["$$", "display"],
  "\\[": ["\\]", "display"],
  "\\(": ["\\)", "maths"],
  $: ["$", "maths"],
};

/** The parts of a text, in order. Takes time in proportion to the text. */
export function splitText(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  const plain = (to: number): void => {
    const source = text.slice(from, to);
    if (source !== "") parts.push({ kind: "text", source, content: source, language: "" });
  };
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(text); mark !== null; mark = MARKS.exec(text)) {
    const at = mark.index;
    const part = mark[0] === "```" ? codeAt(text, at) : formulaAt(text, at, mark[0]);
    if (part === null) continue;
    plain(at);
    parts.push(part);
    from = at + part.source.length;
    MARKS.lastIndex = from;
  }
  plain(text.length);
  return parts;
}

/** A fence begins a line, and ends with one; without an end it holds the rest. */
function codeAt(text: string, at: number): TextPart | null {
  if (at > 0 && text[at - 1] !== "\n") return null;
  const lineEnd = text.indexOf("\n", at);
  const language = /^[\w+#-]{0,20}$/.exec(text.slice(at + 3, lineEnd === -1 ? at + 3 : lineEnd).trim());
  if (lineEnd === -1 || language === null) return null;
  const close = text.indexOf("\n```", lineEnd);
  const end = close === -1 ? text.length : close + 4;
  const content = text.slice(lineEnd + 1, close === -1 ? text.length : Math.max(close, lineEnd + 1));
  return { kind: "code", source: text.slice(at, end), content, language: language[0].toLowerCase() };
}

function formulaAt(text: string, at: number, open: string): TextPart | null {
  const [close, kind] = CLOSES[open] ?? ["", "maths"];
  const start = at + open.length;
  const length = text.slice(start, start + MOST_FORMULA_CHARACTERS).indexOf(close);
  if (length <= 0) return null;
  const content = text.slice(start, start + length);
  const end = start + length + close.length;
  // Two prices in a line are no formula.
  if (open === "$" && (/^\s|\s$|\n/.test(content) || /\d/.test(text[end] ?? ""))) return null;
  return { kind, source: text.slice(at, end), content, language: "" };
}
