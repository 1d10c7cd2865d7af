/** @file How much of a text the browser is given to draw and to colour. Pure. */
import type { TextPart } from "./split-text.ts";

/** Formulas past these stay as they were written: each costs the browser a millisecond. */
const MOST_FORMULAS = 400;
/** A longer block of code is shown without colours, and so are those past the sum: finding words takes up to 0.1 ms a character. */
const MOST_CODE = 5000;
const MOST_CODE_OF_TEXT = 20_000;
/** What finds the words of code takes time by the square of the longest. */
const LONG_WORD = /\S{500}/;

/** The same parts: formulas past a number are text, and code that is too much has no language. */
export function boundedParts(parts: readonly TextPart[]): readonly TextPart[] {
  let [formulas, code] = [0, 0];
  return parts.map((part): TextPart => {
    if (part.kind === "text") return part;
    if (part.kind === "code") {
      const { length } = part.content;
      const isColoured = length <= MOST_CODE && code + length <= MOST_CODE_OF_TEXT && !LONG_WORD.test(part.content);
      if (isColoured) code += length;
      return isColoured ? part : { ...part, language: "" };
    }
    formulas += 1;
    return formulas > MOST_FORMULAS ? { ...part, kind: "text" } : part;
  });
}
