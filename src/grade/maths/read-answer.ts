/** @file Reads an answer's text into trees: one, or a few where a comma between digits may mean several things. */
import { normaliseAnswer } from "./normalise.ts";
import { type Parsed, parseMaths } from "./parser.ts";
import type { CommaReading } from "./tokens.ts";
import { closingBrace } from "./tokens.ts";
import type { Tree } from "./tree.ts";

/** Longest answer that is read, characters; a longer one is reported as such, never cut and compared. */
export const MAX_ANSWER_CHARACTERS = 4_096;

/** What an answer says. `text`: it is no maths, and compares as words. */
export type Reading =
  | { readonly status: "ok"; readonly kind: "maths" | "text"; readonly trees: readonly [Tree, ...Tree[]] }
  | { readonly status: "failed"; readonly reason: string }
  | { readonly status: "limit"; readonly reason: string };

const MATH_MARKS = /(?<!\\)(?:\\\\)*\\[()]|(?<!\\)\\[[\]]|(?<!\\)\$+/gu;
const IMPLIES = /\\(?:implies|Rightarrow|Longrightarrow|therefore|iff|Leftrightarrow)(?![a-zA-Z])|[⇒⟹∴]/gu;
/** `0.2777...`: no full stop. */
const DECIMAL_DOTS = /(?<=\d\.\d{1,64})\.{3,}/gu;
const DRESS = /^(?:\*\*|__|[`"'\s])+|(?:\*\*|__|[`"'\s]|[.?](?=\s*$))+$/gu;
const LAST_STOP = /[.,;:]\s*$/u;
const COMMA_BETWEEN_DIGITS = /\d,(?:\\!)?\d|\d\{,\}\d/u;
const THOUSANDS = /(?<![\d,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])/u;
/** `(1,234)` is a point. */
const BRACKETED_PAIR = /[([]\s*-?[1-9]\d{0,2}(?:,\d{3})+\s*[)\]]/u;
/** With points between thousands, as much of the world has it. */
const ONE_DECIMAL_COMMA = /^[^\d,]*(?:\d+|\d{1,3}(?:\.\d{3})+),\d+[^\d,]*$/u;

/** Readings of one reply by their normalised texts: its extractors mostly offer the same answer in different dress. */
export type KnownReadings = Map<string, Reading>;

/** Reads a text. @param side whose it is: only a model's reply may have a decimal comma, since a gold's comma parts items */
export function readAnswer(text: string, side: "gold" | "reply", known: KnownReadings = new Map()): Reading {
  if (text.length > MAX_ANSWER_CHARACTERS)
    return { status: "limit", reason: `${text.length} characters, more than ${MAX_ANSWER_CHARACTERS}` };
  const bare = lastConsequence(text.replace(DECIMAL_DOTS, "\\ldots ").replace(MATH_MARKS, " ").replace(DRESS, ""));
  const normal = normaliseAnswer(bare).replace(LAST_STOP, "").trim();
  if (normal === "") return { status: "failed", reason: "there is nothing" };
  const earlier = known.get(normal);
  if (earlier !== undefined) return earlier;
  const reading = readNormal(normal, side);
  known.set(normal, reading);
  return reading;
}

function readNormal(normal: string, side: "gold" | "reply"): Reading {
  const trees: Tree[] = [];
  let failure: Exclude<Parsed, { status: "ok" }> | null = null;
  for (const comma of commaReadings(normal, side)) {
    const parsed = parseMaths(normal, comma);
    if (parsed.status === "limit") return parsed;
    if (parsed.status === "ok") trees.push(parsed.tree);
    else failure ??= parsed;
  }
  const [first, ...rest] = trees;
  if (first !== undefined)
    return { status: "ok", kind: first.type === "text" ? "text" : "maths", trees: [first, ...rest] };
  return readWords(normal) ?? { status: "failed", reason: failure?.reason ?? "it is no maths" };
}

function lastConsequence(text: string): string {
  const parts = text.split(IMPLIES).filter((part) => part.trim() !== "");
  return parts.at(-1) ?? text;
}

/** The ways to read the commas, the likeliest first. */
function commaReadings(text: string, side: "gold" | "reply"): readonly CommaReading[] {
  if (!COMMA_BETWEEN_DIGITS.test(text)) return ["thousands"];
  if (THOUSANDS.test(text)) {
    if (BRACKETED_PAIR.test(text)) return ["items"];
    return /[([]|\\\{/u.test(text) ? ["items", "thousands"] : ["thousands", "items"];
  }
  return side === "reply" && ONE_DECIMAL_COMMA.test(text) ? ["items", "decimal"] : ["items"];
}

const COMMAND = /\\[a-zA-Z]+\*?|\\./gu;
const WORDS = /[\p{L}\p{N}]/u;
const MAX_WORDS_CHARACTERS = 512;

/** What cannot be parsed may still be an answer in words, if its braces close; null for the rest. */
function readWords(text: string): Reading | null {
  if (text.length > MAX_WORDS_CHARACTERS || !areBracesClosed(text)) return null;
  const words = text.replace(/\\[a-zA-Z]+\s*(?=\{)/gu, " ").replace(COMMAND, (command) => ` ${command.slice(1)} `);
  if (!WORDS.test(words)) return null;
  return { status: "ok", kind: "text", trees: [{ type: "text", text: words.replace(/[{}]/gu, " ") }] };
}

function areBracesClosed(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") at += 1;
    else if (character === "}") return false;
    else if (character === "{") {
      at = closingBrace(text, at);
      if (at === -1) return false;
    }
  }
  return true;
}
