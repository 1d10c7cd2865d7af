/** @file Which relations only give a value a name: `x = 5`, `f(2) = 7`, `S:T = 7:32`, `n = 2 + 3 = 5`, `x \approx 3.14`. */
import { childrenOf, freeSymbols, product, someTree, type Tree, type TreeOf } from "./tree.ts";

/** What names a value though numbers stand in it: `\sin 2x`, the point `(x, 1)`. */
const APPLIED: ReadonlySet<Tree["type"]> = new Set(["call", "group", "series"]);

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
    case "series":
      return true;
    case "call":
      // What stands in brackets behind a name belongs to it: `f(2)`, `P(A)`; but `\sin 30^\circ` is a value.
      return isOpaque(tree.name) || (freeSymbols(tree).length > 0 && (isRatio(tree.name) || tree.args.every(isName)));
    case "sum":
      return tree.terms.every((term) => isName(unsigned(term)));
    case "group":
    case "product":
    case "quotient":
    case "power":
      return childrenOf(tree).every(isName);
    default:
      return false;
  }
}

/** `\sin 2\alpha`: no unknown but an angle. */
function isRatio(name: string): boolean {
  return name === "sin" || name === "cos" || name === "tan" || name === "cot";
}

/** A function by its letter or word, or what is never worked out: an integral, a limit. */
function isOpaque(name: string): boolean {
  return /^[a-zA-Z](?:'|_.*|\^-1)*$|^(?:named|integral|limit|sum|product)-/.test(name);
}

/** `b` of `a - b`; the opposite of a name alone is none. */
function unsigned(term: Tree): Tree {
  if (term.type !== "product") return term;
  const [first, ...rest] = term.factors;
  return first?.type === "number" && first.value.numerator === -1n && rest.length > 0 ? product(rest) : term;
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
  // "n = 7 is the only solution" says no more than n = 7.
  if (exact.length > 2 && exact.at(-1)?.type === "text") exact.pop();
  const lastExact = exact.at(-1) as Tree;
  const approximation = operators.at(-1) === "approximate" ? operands.at(-1) : undefined;
  const isNamed = isName(first);
  if (exact.length === 2 && isUnsolved(first)) return [];
  const isIdentity = operands.every((operand) => !hasUnknown(operand));
  if (!isNamed && !mayBeAny && !isIdentity)
    return isName(lastExact) && exact.length === 2 && !hasUnknown(first) ? [first] : [];
  const isFlipped = exact.length >= 2 && isName(lastExact) && !hasUnknown(first);
  const value = isFlipped ? first : lastExact;
  const isOnlyName = exact.length === 1 && isNamed;
  return [...(isOnlyName ? [] : [value]), ...(approximation === undefined ? [] : [approximation])];
}

/** `2x` of `2x = 6`, which does not say that x is 6: an expression of one unknown that is no name. */
function isUnsolved(tree: Tree): boolean {
  const isApplied = APPLIED.has(tree.type) && !(tree.type === "call" && tree.name === "abs");
  return freeSymbols(tree).length === 1 && !isName(tree) && !isApplied;
}

function hasUnknown(tree: Tree): boolean {
  return freeSymbols(tree).length > 0 || someTree(tree, ({ type }) => type === "text");
}
