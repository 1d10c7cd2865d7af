/** @file Signs behind a value: `!`, `%`, degrees, ordinals. */
import type { Grammar } from "./grammar.ts";
import type { Tree } from "./tree.ts";

/** The value with the signs that follow it. */
export function readPostfix({ cursor }: Grammar, value: Tree): Tree {
  let tree = value;
  for (;;) {
    if (cursor.is("!") && cursor.is("!", 1)) {
      cursor.skip(2);
      tree = { type: "call", name: "doubleFactorial", args: [tree] };
    } else if (cursor.take("!")) tree = { type: "call", name: "factorial", args: [tree] };
    else if (cursor.take("%") || cursor.take("\\%")) tree = { type: "percent", value: tree };
    else if (takeDegrees({ cursor })) tree = { type: "degrees", value: tree };
    else if (!takeOrdinal({ cursor })) return tree;
  }
}

/** `^\circ`, `^{\circ}`, `^o` behind a number. */
function takeDegrees({ cursor }: Pick<Grammar, "cursor">): boolean {
  if (!cursor.is("^")) return false;
  if (cursor.is("\\circ", 1)) cursor.skip(2);
  else if (cursor.is("{", 1) && cursor.is("\\circ", 2) && cursor.is("}", 3)) cursor.skip(4);
  else return false;
  // `90^\circ C`: a temperature's scale is a unit.
  const scale = cursor.peek();
  if (scale?.kind === "letter" && /^[CF]$/.test(scale.text)) cursor.skip();
  return true;
}

/** `5^{\text{th}}`: the letters say nothing of the value. */
function takeOrdinal({ cursor }: Pick<Grammar, "cursor">): boolean {
  if (!cursor.is("^")) return false;
  const isBraced = cursor.is("{", 1);
  const word = cursor.peek(isBraced ? 2 : 1);
  if (word?.kind !== "word" || !/^(?:st|nd|rd|th)$/.test(word.text)) return false;
  cursor.skip(isBraced ? 4 : 2);
  return true;
}
