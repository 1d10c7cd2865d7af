/** @file Grades a multiple choice by its letter: the profile `mcq`. */
import { lastBoxed } from "./extract/boxed.ts";

/** Choices go from A to J. */
const LETTER = "[A-Ja-j]";
const BARE = new RegExp(
  `^(?:option|choice|answer)?[\\s:]*[({\\[]?\\s*(${LETTER})\\s*[)}\\].:]?(?:$|[\\s,;:.)].*$)`,
  "iu",
);
/** "A or B", "(A), (C)": who names two has chosen none. */
const SEVERAL =
  /^(?:option|choice|answer)?[\s:]*\(?[A-J]\)?\s*(?:[,;/&]|\bor\b|\band\b)+\s*(?:(?:or|and)\b)?\s*\(?[A-J](?![A-Za-z'’])/iu;
const SEVERAL_BEFORE = /(?<![A-Za-z])[A-J]\)?\s*(?:[,;/&]|\bor\b|\band\b)+\s*(?:(?:or|and)\b)?\s*\(?$/u;
const DRESS = /\\(?:text|textbf|mathrm|mathbf|mathit|boldsymbol|boxed|left|right)|[{}$*_`"]|\\[()[\]]/gu;
const PHRASE =
  /\b(?:answer|choice|option)\b(?:\s+(?:choice|option|letter))?[*_]{0,3}\s*(?:is|:|=|would be|should be|must be)?[*_:\s]*/giu;
const LAST_CAPITAL = /(?<![A-Za-z0-9'’\\])\(?([A-J])\)?(?![A-Za-z0-9'’])/gu;

/** A letter and where it was found. */
export interface FoundChoice {
  readonly letter: string;
  readonly text: string;
  readonly rule: string;
}

/** The letter that a text is, if it is one: `B`, `(b)`, `\text{(B)}`, `B) 42`; else null. */
export function choiceOf(text: string): string | null {
  const bare = text.replace(DRESS, " ").replace(/\s+/gu, " ").trim();
  const match = BARE.exec(bare);
  if (match === null || SEVERAL.test(bare)) return null;
  const letter = (match[1] ?? "").toUpperCase();
  // "a pity" and "I think" are no choices: a letter before words must be marked as one.
  const isMarked = /^[^A-Za-z]*[A-Ja-j]\s*(?:[)}\].:,;]|$)/u.test(bare) || /^(?:option|choice|answer)/iu.test(bare);
  return isMarked ? letter : null;
}

/** What a writer marked as the choice: a box, or what follows "answer". */
export function anchoredChoice(region: string): FoundChoice | null {
  const boxed = lastBoxed(region);
  const inBox = boxed === null ? null : choiceOf(boxed);
  if (boxed !== null && inBox !== null) return { letter: inBox, text: boxed, rule: "boxed" };
  let found: FoundChoice | null = null;
  for (const match of region.matchAll(PHRASE)) {
    const line =
      region.slice(match.index + match[0].length, match.index + match[0].length + 200).split("\n", 1)[0] ?? "";
    const letter = choiceOf(line);
    if (letter !== null) found = { letter, text: line.trim().slice(0, 40), rule: "answer-phrase" };
  }
  if (found !== null) return found;
  const whole = region.length <= 400 ? choiceOf(region) : null;
  return whole === null ? null : { letter: whole, text: region.trim().slice(0, 40), rule: "whole" };
}

/** The last capital that stands alone. "A" and "I" as words are left out unless they are bracketed. */
export function flexibleChoice(region: string): FoundChoice | null {
  let found: FoundChoice | null = null;
  for (const match of region.matchAll(LAST_CAPITAL)) {
    const [text, letter = ""] = match;
    const isWord =
      (letter === "A" || letter === "I") &&
      !text.includes("(") &&
      /^\s+[a-z]/u.test(region.slice(match.index + text.length, match.index + text.length + 8));
    const isOneOfSeveral = SEVERAL_BEFORE.test(region.slice(Math.max(0, match.index - 16), match.index));
    if (isOneOfSeveral) found = null;
    else if (!isWord) found = { letter, text, rule: "last-letter" };
  }
  return found;
}
