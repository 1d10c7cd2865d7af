/** @file Which relations only give a value a name: `x = 5`, `f(2) = 7`, `S:T = 7:32`, `n = 2 + 3 = 5`, `x \approx 3.14`. */
import { childrenOf, freeSymbols, someTree, type Tree, type TreeOf } from "./tree.ts";

type Relation = TreeOf<"relation">;

/** Whether it is an equation, perhaps a chain, perhaps with approximations at its end; or a membership. */
export function isEquation({ operators }: Relation): boolean {
  return operators.every((operator) => operator === "=" || operator === "congruent" || operator === "approximate");
}

/** Whether a side is nothing but names: letters, words, functions of letters, points and proportions of letters. */
export function isName(tree: Tree): boolean {
  switch (tree.type) {
    case "symbol":
      return tree.name !== "e" && tree.name !== "i" && tree.name !== "pi";
    case "text":
      return true;
    case "call":
      // What stands in brackets behind a name belongs to it: `f(2)`, `P(A)`; but `\sin 30^\circ` is a value.
      return isOpaque(tree.name) || (tree.args.length > 0 && freeSymbols(tree).length > 0 && !hasNumber(tree));
    case "group":
    case "product":
    case "quotient":
    case "sum":
    case "power":
      return !hasNumber(tree) && childrenOf(tree).every((part) => isName(part) || part.type === "number");
    default:
      return false;
  }
}

function isOpaque(name: string): boolean {
  return /^[a-zA-Z](?:'|_.*|\^-1)*$/.test(name);
}

/** Whether a number stands anywhere in it but as a sign. */
function hasNumber(tree: Tree): boolean {
  return someTree(tree, (part) => part.type === "number" && part.value.numerator !== -1n);
}

/**
 * The values that an equation may be said to give, the likeliest first; none where it is an equation between things. The
 * last exact value of a chain, then an approximation behind it.
 *
 * @param mayBeAny whether any equation's last side counts, as for a model's working `2 + 3 = 5`, or only a named value
 */
export function assignedValues({ operators, operands }: Relation, mayBeAny: boolean): readonly Tree[] {
  const first = operands[0] as Tree;
  if (operators.length === 1 && operators[0] === "in") return mayBeAny || isName(first) ? operands.slice(1) : [];
  if (!isEquation({ type: "relation", operators, operands })) return [];
  const exact = operands.filter((_, index) => index === 0 || operators[index - 1] !== "approximate");
  const lastExact = exact.at(-1) as Tree;
  const approximation = operators.at(-1) === "approximate" ? operands.at(-1) : undefined;
  const isNamed = isName(first);
  if (!isNamed && !mayBeAny) return isName(lastExact) && exact.length === 2 && !hasUnknown(first) ? [first] : [];
  const isFlipped = exact.length >= 2 && isName(lastExact) && !hasUnknown(first);
  const value = isFlipped ? first : lastExact;
  const isOnlyName = exact.length === 1 && isNamed;
  return [...(isOnlyName ? [] : [value]), ...(approximation === undefined ? [] : [approximation])];
}

function hasUnknown(tree: Tree): boolean {
  return freeSymbols(tree).length > 0 || someTree(tree, ({ type }) => type === "text");
}
