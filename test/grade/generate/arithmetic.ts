/** @file Random arithmetic whose value is known: the laws of operators, signs, fractions and powers in any nesting. */
import type { Prng } from "../../../src/core/prng.ts";
import type { GoldKind } from "./generated-gold.ts";

/** A rational number; the denominator is positive. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

type Operation = "+" | "-" | "*" | "/";
type Node =
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "negative"; readonly of: Node }
  | { readonly type: "power"; readonly of: Node; readonly exponent: number }
  | { readonly type: "operation"; readonly operation: Operation; readonly left: Node; readonly right: Node };

function draw(random: Prng, depth: number): Node {
  if (depth === 0 || random.next() < 0.15) return { type: "number", value: random.int(1, 12) };
  const form = random.next();
  if (form < 0.1) return { type: "negative", of: draw(random, depth - 1) };
  if (form < 0.2) return { type: "power", of: draw(random, depth - 1), exponent: random.int(-2, 3) };
  const operation = random.pick(["+", "-", "*", "/"] as const);
  return { type: "operation", operation, left: draw(random, depth - 1), right: draw(random, depth - 1) };
}

function fraction(top: bigint, bottom: bigint): Fraction | null {
  if (bottom === 0n) return null;
  let [a, b] = [top < 0n ? -top : top, bottom < 0n ? -bottom : bottom];
  while (b !== 0n) [a, b] = [b, a % b];
  const sign = bottom < 0n ? -1n : 1n;
  return { top: (sign * top) / a, bottom: (sign * bottom) / a };
}

/** The value, or null where something is divided by zero. */
function valueOf(node: Node): Fraction | null {
  if (node.type === "number") return { top: BigInt(node.value), bottom: 1n };
  if (node.type === "operation") return combine(node.operation, valueOf(node.left), valueOf(node.right));
  const of = valueOf(node.of);
  if (of === null) return null;
  if (node.type === "negative") return { top: -of.top, bottom: of.bottom };
  const exponent = BigInt(Math.abs(node.exponent));
  if (node.exponent <= 0 && of.top === 0n) return null;
  return node.exponent < 0
    ? fraction(of.bottom ** exponent, of.top ** exponent)
    : fraction(of.top ** exponent, of.bottom ** exponent);
}

function combine(operation: Operation, a: Fraction | null, b: Fraction | null): Fraction | null {
  if (a === null || b === null) return null;
  switch (operation) {
    case "+":
      return fraction(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom);
    case "-":
      return fraction(a.top * b.bottom - b.top * a.bottom, a.bottom * b.bottom);
    case "*":
      return fraction(a.top * b.top, a.bottom * b.bottom);
    case "/":
      return fraction(a.top * b.bottom, a.bottom * b.top);
  }
}

/** How tightly a node binds: a sum 1, a product 2, a sign 1 (it must not follow an operator bare), a power 3, a number 4. */
function tightness(node: Node): number {
  if (node.type === "number") return 4;
  if (node.type === "power") return 3;
  if (node.type === "negative") return 1;
  return node.operation === "+" || node.operation === "-" ? 1 : 2;
}

/** LaTeX as a careful person writes it: parentheses only where they are needed. */
function latex(node: Node): string {
  if (node.type === "number") return `${node.value}`;
  const inside = (part: Node, least: number): string =>
    tightness(part) >= least ? latex(part) : `\\left(${latex(part)}\\right)`;
  if (node.type === "negative") return `-${inside(node.of, 2)}`;
  if (node.type === "power") return `${inside(node.of, 4)}^{${node.exponent}}`;
  const { operation, left, right } = node;
  if (operation === "/") return `\\frac{${latex(left)}}{${latex(right)}}`;
  if (operation === "*") return `${inside(left, 2)} \\cdot ${inside(right, 3)}`;
  return `${inside(left, 1)} ${operation} ${inside(right, 2)}`;
}

/** As typed into code, with every parenthesis. */
function typed(node: Node, power: string): string {
  if (node.type === "number") return `${node.value}`;
  if (node.type === "negative") return `(-${typed(node.of, power)})`;
  if (node.type === "power") return `(${typed(node.of, power)})${power}(${node.exponent})`;
  return `(${typed(node.left, power)} ${node.operation} ${typed(node.right, power)})`;
}

const textOf = ({ top, bottom }: Fraction): string =>
  bottom === 1n ? `${top}` : `${top < 0n ? "-" : ""}\\frac{${top < 0n ? -top : top}}{${bottom}}`;

const MAX_DIGITS = 60;

/** Arithmetic in three to four levels; the gold is its value. */
export const arithmetic: GoldKind = (random) => {
  for (;;) {
    const node = draw(random, random.int(3, 4));
    const value = valueOf(node);
    if (value === null || `${value.top}${value.bottom}`.length > MAX_DIGITS || node.type === "number") continue;
    const near = fraction(value.top * 1_000_003n + value.bottom, value.bottom * 1_000_003n);
    return {
      gold: textOf(value),
      same: {
        latex: { worked: latex(node), "equals its value": `${latex(node)} = ${textOf(value)}` },
        plain: { typed: typed(node, "^"), stars: typed(node, "**") },
      },
      other: {
        latex: {
          "one more": `${latex(node)} + 1`,
          doubled: value.top === 0n ? "2" : `2 \\cdot \\left(${latex(node)}\\right)`,
          ...(near !== null && { near: textOf(near) }),
        },
        plain: { "one less": `${typed(node, "^")} - 1` },
      },
    };
  }
};
