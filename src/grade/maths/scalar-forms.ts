/** @file Forms under which a value may be compared: `28%` is 0.28, and where only one side has the sign also 28. */
import { decimal } from "./rational.ts";
import { childrenOf, freeSymbols, integer, mapTree, type Tree } from "./tree.ts";
import { UNIT_LETTERS } from "./vocabulary.ts";

/** A pair to compare and the rule that it stands for. */
export interface FormPair {
  readonly gold: Tree;
  readonly pred: Tree;
  readonly rule: string;
}

/** The pairs, the strictest first. */
export function scalarForms(gold: Tree, pred: Tree): FormPair[] {
  if (gold.type === pred.type && (gold.type === "percent" || gold.type === "degrees"))
    return [{ gold: gold.value, pred: (pred as typeof gold).value, rule: "value" }];
  if (gold.type === "based" && pred.type === "based") return [{ gold, pred, rule: "value" }];
  if (gold.type === "call" && pred.type === "call") return [{ gold, pred, rule: "value" }];
  const golds = formsOf(gold);
  // Only what the gold has may be left out: the reply `10_2` is not 10.
  const preds = formsOf(pred).filter(({ rule }) => rule !== "base-omitted");
  return golds.flatMap((a) => preds.map((b) => ({ gold: a.tree, pred: b.tree, rule: a.rule ?? b.rule ?? "value" })));
}

function formsOf(tree: Tree): { readonly tree: Tree; readonly rule?: string }[] {
  switch (tree.type) {
    case "percent":
      return [{ tree }, { tree: tree.value, rule: "percent-sign" }];
    case "degrees":
      return [{ tree: tree.value, rule: "degree-sign" }, { tree }];
    case "call": {
      const [residue] = tree.name === "residue" ? tree.args : [];
      if (residue?.type !== "call" || residue.args[0] === undefined) return [{ tree }];
      return [{ tree }, { tree: residue.args[0], rule: "modulus-omitted" }];
    }
    case "based": {
      const value = decimal(tree.digits);
      return value === null
        ? [{ tree }]
        : [{ tree }, { tree: { type: "number", value, isDecimal: false }, rule: "base-omitted" }];
    }
    default:
      return [{ tree }];
  }
}

/**
 * A value without letters that may be units, where the other has no variables: `5 m` for 5. Null where there are none, or
 * where they are no factors of a number.
 */
export function withoutUnitLetters(other: Tree, value: Tree): Tree | null {
  const names = freeSymbols(value);
  if (names.length === 0 || freeSymbols(other).length > 0 || !names.every((name) => UNIT_LETTERS.has(name)))
    return null;
  if (!isNumberTimesUnits(value)) return null;
  return mapTree(value, (part) => (part.type === "symbol" && names.includes(part.name) ? integer(1) : part));
}

function isNumberTimesUnits(tree: Tree): boolean {
  const hasNone = (part: Tree): boolean => freeSymbols(part).length === 0;
  if (tree.type === "quotient") return isNumberTimesUnits(tree.top) && areUnits(tree.bottom);
  if (tree.type !== "product") return false;
  const [first, ...rest] = tree.factors;
  return first !== undefined && hasNone(first) && rest.every((part) => hasNone(part) || areUnits(part));
}

/** Letters, their powers, and products and quotients of these. */
function areUnits(tree: Tree): boolean {
  if (tree.type === "symbol") return true;
  if (tree.type === "power") return tree.base.type === "symbol" && freeSymbols(tree.exponent).length === 0;
  return (tree.type === "product" || tree.type === "quotient") && childrenOf(tree).every(areUnits);
}
