/** @file Functions by name: `\sin^2 x`, `\log_2 8`, `sqrt(2)`, `gcd(4, 6)`. */
import { ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import { integer, product, type Tree } from "./tree.ts";
import { BARE_ARGUMENT, INVERSES } from "./vocabulary.ts";

/** Reads what belongs to a function whose name has been read. */
export function readFunction(grammar: Grammar, name: string): Tree {
  const { cursor } = grammar;
  if (name === "sqrt" || name === "cbrt") return readRoot(grammar, name === "cbrt" ? integer(3) : undefined);
  const base = isGluedBase(grammar, name) ? grammar.primary() : cursor.take("_") ? grammar.argument() : undefined;
  const exponent = cursor.take("^") ? readExponent(grammar) : undefined;
  if (isMinusOne(exponent) && INVERSES.has(name))
    return { type: "call", name: INVERSES.get(name) ?? name, args: readArguments(grammar, name) };
  const args = readArguments(grammar, name);
  const call: Tree = { type: "call", name, args: base === undefined ? args : [...args, base] };
  return exponent === undefined ? call : { type: "power", base: call, exponent };
}

/** `log2(5)`, `log10(3)`. */
function isGluedBase({ cursor }: Grammar, name: string): boolean {
  const next = cursor.peek();
  return name === "log" && next?.kind === "number" && !next.isSpaced && cursor.is("(", 1);
}

function readExponent(grammar: Grammar): Tree {
  return grammar.cursor.is("{") ? grammar.argument() : grammar.primary();
}

function isMinusOne(tree: Tree | undefined): boolean {
  return tree?.type === "number" && tree.value.numerator === -1n && tree.value.denominator === 1n;
}

/** Arguments in brackets, or without them the product that follows. */
function readArguments(grammar: Grammar, name: string): Tree[] {
  const { cursor } = grammar;
  for (const [open, close] of [
    ["(", ")"],
    ["[", "]"],
    ["\\{", "\\}"],
    ["{", "}"],
  ] as const) {
    if (!cursor.take(open)) continue;
    const args = grammar.within("plain", () => grammar.items());
    cursor.expect(close);
    if (args.length === 0) throw new ParseFailure(`${name} of nothing`);
    return args;
  }
  if (!BARE_ARGUMENT.has(name)) throw new ParseFailure(`${name} without brackets`);
  return [readBareArgument(grammar)];
}

/** `\sin 2x\cos x` is a product of two: a bare argument ends at the next function, sum or written operator. */
function readBareArgument(grammar: Grammar): Tree {
  const { cursor } = grammar;
  if (cursor.take("-")) return product([integer(-1), readBareArgument(grammar)]);
  const first = cursor.peek();
  if (first?.kind === "function") {
    cursor.skip();
    return readFunction(grammar, first.name);
  }
  const factors = [readPower(grammar)];
  for (let next = cursor.peek(); next !== undefined; next = cursor.peek()) {
    const isFunction = next.kind === "function" || (next.kind === "command" && BARE_ARGUMENT.has(next.text.slice(1)));
    if (isFunction || next.kind === "number" || cursor.is("(") || cursor.is("[") || cursor.is("|")) break;
    if (!grammar.startsPrimary(next)) break;
    factors.push(readPower(grammar));
  }
  const argument = product(factors);
  if (!cursor.is("/")) return argument;
  // `\sin x/2` is read as LaTeX prints it: the slash divides the argument only where a number or letter stands alone.
  const bottom = cursor.peek(1);
  if (bottom?.kind !== "number" || factors.length > 1) return argument;
  cursor.skip();
  return { type: "quotient", top: argument, bottom: grammar.primary() };
}

function readPower(grammar: Grammar): Tree {
  const base = grammar.postfix(grammar.primary());
  if (!grammar.cursor.take("^")) return base;
  return grammar.postfix({ type: "power", base, exponent: readExponent(grammar) });
}

/** `\sqrt3`, `\sqrt[3]{x}`, `sqrt(2)`: a power of one over the degree. */
export function readRoot(grammar: Grammar, degree?: Tree): Tree {
  const { cursor } = grammar;
  let root = degree;
  if (root === undefined && cursor.take("[")) {
    root = grammar.additive();
    cursor.expect("]");
  }
  const exponent: Tree = { type: "quotient", top: integer(1), bottom: root ?? integer(2) };
  const base = cursor.is("{") ? grammar.argument() : grammar.primary();
  return { type: "power", base, exponent };
}
