/** @file Residues: `3 \pmod 7`, `3 (mod 7)`, `17 \bmod 5`. */
import type { Cursor } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import type { Tree } from "./tree.ts";

/** The value with the modulus that follows it, or the value itself. */
export function readModulus(grammar: Grammar, value: Tree): Tree {
  const { cursor } = grammar;
  if (cursor.take("\\pmod")) return residueClass(value, grammar.argument());
  if (cursor.take("\\bmod")) return { type: "call", name: "mod", args: [value, grammar.factor()] };
  const isBracketed = cursor.is("(") && isMod(grammar, 1);
  if (!isBracketed && !isMod(grammar, 0)) return value;
  cursor.skip(isBracketed ? 2 : 1);
  const modulus = grammar.factor();
  if (isBracketed) cursor.expect(")");
  return residueClass(value, modulus);
}

function isMod({ cursor }: Grammar, ahead: number): boolean {
  const token = cursor.peek(ahead);
  return (
    cursor.is("\\mod", ahead) || cursor.is("\\bmod", ahead) || (token?.kind === "function" && token.name === "mod")
  );
}

/** A class is told by its residue and its modulus; 3 and 10 modulo 7 are the same. */
function residueClass(value: Tree, modulus: Tree): Tree {
  return { type: "call", name: "residue", args: [{ type: "call", name: "mod", args: [value, modulus] }, modulus] };
}

/** `(mod 7)` and `mod 7` multiply nothing. */
export function isModulus(cursor: Cursor): boolean {
  const token = cursor.peek(cursor.is("(") ? 1 : 0);
  return token?.kind === "function" && token.name === "mod";
}
