/** @file Hostile text made harmless to look at, before any escaping: a report shows what a model wrote, never obeys it. */
import { count } from "./number-format.ts";

/** How many characters of one kind of field a report shows. */
export const TEXT_CAPS = { label: 80, sentence: 400, question: 2_000, reply: 4_000, recipe: 20_000 } as const;

/** Combining marks beyond the fourth on one character; they would paint over the lines around it. */
const EXCESS_COMBINING_MARKS = /(\p{M}{4})\p{M}+/gu;

/** The Unicode picture of a C0 control or DEL; a C1 control has none. */
function controlPicture(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/**
 * The text with everything invisible or steering made visible: C0 controls as their Unicode pictures (U+2400..),
 * C1 controls, direction overrides, noncharacters and lone surrogates as U+FFFD; long runs of combining marks cut. Tab and line
 * feed stay; CR LF becomes LF.
 */
export function visibleText(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .replace(/(?![\t\n])\p{Cc}/gu, controlPicture)
    .replace(/[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/g, "\ufffd")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[\u{e0000}-\u{e007f}]/gu, "\ufffd")
    .replace(EXCESS_COMBINING_MARKS, "$1");
}

/** {@link visibleText} of at most `cap` characters (code points); what is left out is counted: `… 1,234 characters more`. */
export function cappedText(text: string, cap: number): string {
  // Cutting by code units first bounds the work on a megabyte of model output; a code point is at most two units.
  const head = Array.from(visibleText(text.slice(0, cap * 2)));
  if (text.length <= cap * 2 && head.length <= cap) return head.join("");
  const shown = head.slice(0, cap).join("");
  return `${shown}… ${count(text.length - shown.length)} characters more`;
}

/** One line of at most `cap` characters, for labels, table cells and terminals. */
export function oneLine(text: string, cap: number = TEXT_CAPS.label): string {
  const flat = visibleText(text.slice(0, cap * 2 + 2))
    .replace(/\s+/g, " ")
    .trim();
  const characters = Array.from(flat);
  return characters.length <= cap ? flat : `${characters.slice(0, cap - 1).join("")}…`;
}
