/** @file Sums, products, integrals and limits. Of these only sums and products over small ranges are ever worked out. */
import { ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import type { Tree } from "./tree.ts";

/** `\sum_{k=1}^{n} body`; the body is the product that follows. */
export function readSeries(grammar: Grammar, kind: "sum" | "product"): Tree {
  const { cursor } = grammar;
  let lower: Tree | undefined;
  let upper: Tree | undefined;
  for (;;) {
    if (cursor.take("_")) lower = grammar.argument();
    else if (cursor.take("^")) upper = grammar.argument();
    else break;
  }
  const body = grammar.multiplicative();
  const isRange = lower?.type === "relation" && lower.operands.length === 2 && lower.operators[0] === "=";
  const [variable, from] = isRange && lower?.type === "relation" ? lower.operands : [];
  if (variable?.type === "symbol" && from !== undefined && upper !== undefined)
    return { type: "series", kind, variable: variable.name, from, to: upper, body };
  const bounds = [lower, upper].filter((bound) => bound !== undefined);
  return { type: "call", name: `${kind}-over`, args: [body, ...bounds] };
}

/** `\int_a^b body dx`: a function of its bounds and its body that is never worked out. */
export function readIntegral(grammar: Grammar): Tree {
  const { cursor } = grammar;
  const bounds: Tree[] = [];
  while (cursor.take("_") || cursor.take("^")) bounds.push(grammar.argument());
  return { type: "call", name: `integral-${bounds.length}`, args: [grammar.additive(), ...bounds] };
}

/** `\lim_{x \to 0} body`, likewise. */
export function readLimit(grammar: Grammar): Tree {
  const { cursor } = grammar;
  if (!cursor.take("_")) throw new ParseFailure("a limit of nothing");
  const towards = grammar.argumentText();
  return { type: "call", name: `limit-${towards}`, args: [grammar.multiplicative()] };
}
