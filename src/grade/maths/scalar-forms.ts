/** @file Forms under which a value may be compared: `28%` is 0.28, and where only one side has the sign also 28. */
import { decimal } from "./rational.ts";
import { childrenOf, freeSymbols, mapTree, integer, product, type Tree } from "./tree.ts";
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
  if (gold.type === "based" && pred.type === "based")
    return gold.base === pred.base || gold.base === 10
      ? [{ gold, pred, rule: "value" }]
      : [{ gold, pred, rule: "value" }];
  const golds = formsOf(gold);
  const preds = formsOf(pred);
  return golds.flatMap((a) => preds.map((b) => ({ gold: a.tree, pred: b.tree, rule: a.rule ?? b.rule ?? "value" })));
}

function formsOf(tree: Tree): { readonly tree: Tree; readonly rule?: string }[] {
  switch (tree.type) {
    case "percent":
      return [{ tree }, { tree: tree.value, rule: "percent-sign" }];
    case "degrees":
      return [{ tree: tree.value, rule: "degree-sign" }, { tree }];
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
 * The answer without letters that may be units, where the gold has no variables: `5 m` for 5. Null where there are none, or
 * where they are no factors of a number.
 */
export function withoutUnitLetters(gold: Tree, pred: Tree): Tree | null {
  const names = freeSymbols(pred);
  if (names.length === 0 || freeSymbols(gold).length > 0 || !names.every((name) => UNIT_LETTERS.has(name))) return null;
  if (!isNumberTimesUnits(pred)) return null;
  return mapTree(pred, (part) => (part.type === "symbol" && names.includes(part.name) ? integer(1) : part));
}

function isNumberTimesUnits(tree: Tree): boolean {
  if (tree.type === "quotient") return isNumberTimesUnits(tree.top) && freeSymbols(tree.bottom).length > 0;
  if (tree.type !== "product") return false;
  const [first, ...rest] = tree.factors;
  const isUnit = (part: Tree): boolean =>
    part.type === "symbol" ||
    (part.type === "power" && part.base.type === "symbol" && freeSymbols(part.exponent).length === 0);
  return (
    first !== undefined &&
    freeSymbols(product([first])).length === 0 &&
    childrenOf(tree).length > 1 &&
    rest.every((part) => isUnit(part) || freeSymbols(part).length === 0)
  );
}
