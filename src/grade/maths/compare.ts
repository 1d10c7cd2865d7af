/**
 * @file Whether two answers are the same: what kind of thing each is decides the rule. The gold leads: an equation as gold may
 * be answered by its value, and a working as answer may end in the gold's value.
 */
import { assignedValues, isEquation } from "./assignments.ts";
import { compareRelations } from "./compare-relations.ts";
import { compareScalars, type ScalarOptions } from "./compare-scalars.ts";
import { namedAlike } from "./lists.ts";
import { expandSigns, sameShape, workOutMatrices } from "./expand.ts";
import { formText } from "./form-text.ts";
import { canPairOff } from "./matching.ts";
import { regionOf, sameRegion } from "./regions.ts";
import { scalarForms, withoutUnitLetters } from "./scalar-forms.ts";
import { numberOfWord, sayTheSame, wordsOf } from "./text-answers.ts";
import { freeSymbols, mapTree, someTree, type Tree, type TreeOf } from "./tree.ts";

/** How answers are compared. */
export interface CompareOptions extends ScalarOptions {
  /** Variables must match by name, and a set is no point. */
  readonly isStrict: boolean;
  /** A gold set may be answered by an inequality. */
  readonly mayRelationBeSet: boolean;
}

/** More items than a set of answers has. */
const MAX_ITEMS = 64;

/** The rule by which the two are the same, or null. */
export function compareTrees(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  const [a, b] = [plain(gold), plain(pred)];
  if (formText(a) === formText(b)) return "same-form";
  const rule = compareKinds(a, b, options);
  if (rule !== null) return rule;
  const c = namedAlike(a, b);
  const d = c === a ? namedAlike(b, a) : b;
  const alike = c === a && d === b ? null : compareKinds(c, d, options);
  if (alike !== null || options.isStrict) return alike;
  const renamed = renameSymbols(a, b);
  return renamed === null ? null : compareKinds(a, renamed, options);
}

/** Matrices worked out, signs and lists written out, brackets that face away turned round. */
function plain(tree: Tree): Tree {
  if (tree.type === "set") return { ...tree, items: tree.items.flatMap(listedItems) };
  if (tree.type === "relation") return plainRelation(tree);
  if (tree.type === "group")
    return { ...tree, open: tree.open === "]" ? "(" : tree.open, close: tree.close === "[" ? ")" : tree.close };
  if (!someTree(tree, ({ type }) => type === "plusMinus")) return workOutMatrices(tree);
  const items = expandSigns(tree);
  return items.length === 1 ? (items[0] as Tree) : { type: "set", items, isBraced: false };
}

/** `3x \pm 4y = 0` is two equations; where only the last side has signs, `x = \pm 2`, it is one with two values. */
function plainRelation(relation: TreeOf<"relation">): Tree {
  const hasSigns = (tree: Tree): boolean => someTree(tree, ({ type }) => type === "plusMinus");
  if (!relation.operands.slice(0, -1).some(hasSigns) && freeSymbols(relation.operands.at(-1) as Tree).length === 0)
    return { ...relation, operands: relation.operands.map(plain) };
  const [first, ...rest] = expandSigns(relation);
  if (first === undefined || rest.length === 0) return { ...relation, operands: relation.operands.map(plain) };
  return { type: "set", items: [first, ...rest].map(plain), isBraced: false };
}

/** What an item of a list stands for: several values where it has `±`, or is an unbraced list or `x = 1 ± 2` itself. */
function listedItems(item: Tree): readonly Tree[] {
  const value = plain(item);
  if (value.type === "set" && !value.isBraced) return value.items;
  if (value.type !== "relation") return [value];
  const last = value.operands.at(-1);
  if (last?.type !== "set" || last.isBraced) return [value];
  return last.items.map((end) => ({ ...value, operands: [...value.operands.slice(0, -1), end] }));
}

/** The answer's variables named as the gold's, in order of appearance; null where their numbers differ. */
function renameSymbols(gold: Tree, pred: Tree): Tree | null {
  const [from, to] = [freeSymbols(pred), freeSymbols(gold)];
  if (from.length === 0 || from.length !== to.length) return null;
  return mapTree(pred, (part) => {
    const index = part.type === "symbol" ? from.indexOf(part.name) : -1;
    return index === -1 ? part : { type: "symbol", name: to[index] as string };
  });
}

function compareKinds(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  if (gold.type === "relation" || pred.type === "relation") return compareWithRelation(gold, pred, options);
  const words = compareWords(gold, pred, options);
  if (words !== undefined) return words;
  if (gold.type === "set" || pred.type === "set") return compareSets(gold, pred, options);
  if (isVector(gold) || isVector(pred)) return compareVectors(gold, pred, options);
  if (isRegion(gold) || isRegion(pred)) return compareRegions(gold, pred, options);
  return compareValues(gold, pred, options);
}

function compareWithRelation(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  const isSame = (a: Tree, b: Tree): boolean => compareTrees(a, b, options) !== null;
  if (gold.type === "relation" && pred.type === "relation") {
    // A gold `x \in [1, 2]` is a set, which an inequality answers only where that is asked for.
    if (isMembership(gold) && !isMembership(pred) && !isEquation(pred) && !options.mayRelationBeSet) return null;
    const rule = compareRelations(gold, pred, { work: options.work, isSame });
    if (rule !== null || options.isStrict) return rule;
    return isSameOfAny(assignedValues(gold, false), assignedValues(pred, true), isSame) ? "assigned" : null;
  }
  if (gold.type === "relation") {
    if (isSameOfAny(assignedValues(gold, false), [pred], isSame)) return "assigned";
    if (pred.type === "set" && isNamedPoint(gold, pred, isSame)) return "assigned-items";
    return isSetLike(pred) ? compareRegions(gold, pred, options) : null;
  }
  if (pred.type !== "relation") return null;
  if (isSameOfAny([gold], assignedValues(pred, true), isSame)) return "assigned";
  if (gold.type === "set" && gold.items.some(({ type }) => type === "relation"))
    return compareRegions(gold, pred, options);
  return options.mayRelationBeSet && isSetLike(gold) ? compareRegions(gold, pred, options) : null;
}

function isMembership({ operators }: TreeOf<"relation">): boolean {
  return operators.join() === "in";
}

function isSameOfAny(
  golds: readonly Tree[],
  preds: readonly Tree[],
  isSame: (gold: Tree, pred: Tree) => boolean,
): boolean {
  return golds.slice(0, 1).some((gold) => preds.some((pred) => isSame(gold, pred)));
}

/** `(p, q) = (3, 2)` answered by `p = 3, q = 2`. */
function isNamedPoint(gold: TreeOf<"relation">, pred: TreeOf<"set">, isSame: (a: Tree, b: Tree) => boolean): boolean {
  const [names, values] = gold.operands;
  if (gold.operands.length !== 2 || names?.type !== "group" || values?.type !== "group") return false;
  if (names.items.length !== values.items.length) return false;
  const items = names.items.map(
    (name, index): Tree => ({ type: "relation", operators: ["="], operands: [name, values.items[index] as Tree] }),
  );
  return (
    items.length === pred.items.length &&
    canPairOff(items.length, (i, j) => isSame(items[i] as Tree, pred.items[j] as Tree))
  );
}

/** Undefined where neither is an answer in words. */
function compareWords(gold: Tree, pred: Tree, options: CompareOptions): string | null | undefined {
  if (gold.type !== "text" && pred.type !== "text") {
    const isEmpty = (tree: Tree): boolean => tree.type === "namedSet" && tree.name === "empty";
    return isEmpty(gold) && isEmpty(pred) ? "text" : undefined;
  }
  const [a, b] = [wordsOf(gold), wordsOf(pred)];
  if (a !== null && b !== null && sayTheSame(a, b)) return "text";
  const [goldNumber, predNumber] = [numberOfWord(gold), numberOfWord(pred)];
  if (goldNumber === null && predNumber === null) return null;
  if ((goldNumber ?? gold).type === "text" || (predNumber ?? pred).type === "text") return null;
  return compareValues(goldNumber ?? gold, predNumber ?? pred, options);
}

function compareSets(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  const isSame = (a: Tree, b: Tree): boolean => compareTrees(a, b, options) !== null;
  if (gold.type === "set" && pred.type === "set") {
    const [a, b] = [distinct(gold.items), distinct(pred.items)];
    if (a.length > MAX_ITEMS || b.length > MAX_ITEMS) return null;
    if (a.length === b.length && canPairOff(a.length, (i, j) => isSame(a[i] as Tree, b[j] as Tree))) return "set-items";
    const [c, d] = [merged(a, isSame), merged(b, isSame)];
    const isMerged = c.length < a.length || d.length < b.length;
    if (isMerged && c.length === d.length && canPairOff(c.length, (i, j) => isSame(c[i] as Tree, d[j] as Tree)))
      return "set-items";
    return areRelations(a) && areRelations(b) ? compareRegions(gold, pred, options) : null;
  }
  const [set, other] = gold.type === "set" ? [gold, pred] : [pred, gold];
  if (set.type !== "set") return null;
  const [only, ...others] = distinct(set.items);
  const another = others.find((item) => only !== undefined && !isSame(only, item));
  if (another === undefined && only !== undefined)
    return (gold.type === "set" ? isSame(only, other) : isSame(other, only)) ? "single-item" : null;
  if (other.type === "group") return compareListWithPoint(gold, pred, { options, mayBeUnordered: set.isBraced });
  if (other.type === "matrix" && !set.isBraced) return compareVectors(asGroup(gold), asGroup(pred), options);
  return isRegion(other) || areRelations(set.items) ? compareRegions(gold, pred, options) : null;
}

/** A list without brackets may be a point, in its order; a set in braces may be one only where comparing is not strict. */
function compareListWithPoint(
  gold: Tree,
  pred: Tree,
  { options, mayBeUnordered }: { readonly options: CompareOptions; readonly mayBeUnordered: boolean },
): string | null {
  if (mayBeUnordered && options.isStrict) return null;
  const [a, b] = [asGroup(gold), asGroup(pred)];
  const [roundA, roundB] = [a, b].map((tree) => (tree.type === "group" ? { ...tree, open: "(", close: ")" } : tree));
  if (roundA === undefined || roundB === undefined) return null;
  if ([gold, pred].some((tree) => tree.type === "group" && (tree.open === "[") !== (tree.close === "]"))) return null;
  return compareVectors(roundA, roundB, options);
}

function asGroup(tree: Tree): Tree {
  return tree.type === "set" ? { type: "group", open: "(", close: ")", items: tree.items } : tree;
}

function areRelations(items: readonly Tree[]): boolean {
  return items.length > 0 && items.every(({ type }) => type === "relation");
}

/** Without items of the same form. */
function distinct(items: readonly Tree[]): Tree[] {
  return [...new Map(items.map((item) => [formText(plain(item)), item])).values()];
}

/** Without items of the same value. */
function merged(items: readonly Tree[], isSame: (a: Tree, b: Tree) => boolean): Tree[] {
  const kept: Tree[] = [];
  for (const item of items) if (!kept.some((earlier) => isSame(earlier, item))) kept.push(item);
  return kept;
}

function isVector(tree: Tree): boolean {
  return tree.type === "group" || tree.type === "matrix";
}

function compareVectors(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  const isSame = (a: Tree, b: Tree): boolean => compareTrees(a, b, options) !== null;
  const pairs = (a: readonly Tree[], b: readonly Tree[]): boolean =>
    a.length === b.length && a.every((item, index) => isSame(item, b[index] as Tree));
  if (gold.type === "matrix" && pred.type === "matrix")
    return sameShape(gold, pred) && pairs(gold.rows.flat(), pred.rows.flat()) ? "matrix-cells" : null;
  if (gold.type === "group" && pred.type === "group") {
    if (gold.open === ":" || pred.open === ":") return compareProportions(gold, pred, options);
    const mayBeInterval = gold.items.length === 2 && pred.items.length === 2;
    if (mayBeInterval && (gold.open !== pred.open || gold.close !== pred.close)) return null;
    return pairs(gold.items, pred.items) ? "point-items" : null;
  }
  const [group, other] = gold.type === "group" ? [gold, pred] : [pred, gold];
  if (group.type !== "group") return null;
  if (other.type !== "matrix") return isRegion(other) ? compareRegions(gold, pred, options) : null;
  const nested = asMatrix(group);
  if (nested !== null) return compareVectors(gold === group ? nested : gold, gold === group ? pred : nested, options);
  if (other.rows.length !== 1 && other.rows.some((row) => row.length !== 1)) return null;
  const cells = other.rows.flat();
  return (gold === group ? pairs(group.items, cells) : pairs(cells, group.items)) ? "vector-items" : null;
}

/** `[[1, 2], [3, 4]]`, a matrix as programs write it; null for other groups. */
function asMatrix({ items }: TreeOf<"group">): Tree | null {
  const rows = items.map((item) => (item.type === "group" ? item.items : null));
  const areRows = rows.every((row) => row !== null && row.length === rows[0]?.length);
  return areRows ? { type: "matrix", rows: rows as (readonly Tree[])[] } : null;
}

/** `3:4:5` is `6:8:10`. */
function compareProportions(gold: TreeOf<"group">, pred: TreeOf<"group">, options: CompareOptions): string | null {
  const [first, second] = [gold.items[0], pred.items[0]];
  if (gold.open !== pred.open || gold.items.length !== pred.items.length || !first || !second) return null;
  const over = (top: Tree, bottom: Tree): Tree => ({ type: "quotient", top, bottom });
  const isSame = gold.items.every(
    (item, index) => compareTrees(over(item, first), over(pred.items[index] as Tree, second), options) !== null,
  );
  return isSame ? "proportion" : null;
}

function isRegion({ type }: Tree): boolean {
  return type === "setOperation" || type === "namedSet" || type === "setBuilder";
}

function isSetLike(tree: Tree): boolean {
  return isRegion(tree) || tree.type === "set" || tree.type === "group";
}

function compareRegions(gold: Tree, pred: Tree, { work }: CompareOptions): string | null {
  const [a, b] = [regionOf(gold, work), regionOf(pred, work)];
  return a && b && sameRegion(a, b) === true ? "region" : null;
}

function compareValues(gold: Tree, pred: Tree, options: CompareOptions): string | null {
  if (gold.type === "time" || pred.type === "time") return compareTimes(gold, pred);
  for (const { gold: a, pred: b, rule } of scalarForms(gold, pred))
    if (compareScalars(a, b, options) === "same") return rule;
  const [a, b] = [withoutUnitLetters(pred, gold) ?? gold, withoutUnitLetters(gold, pred) ?? pred];
  const isBare = a !== gold || b !== pred;
  return isBare && compareScalars(a, b, options) === "same" ? "unit-letter" : null;
}

/** A time without a half of the day may be either; without one it is read as a quotient. */
function compareTimes(gold: Tree, pred: Tree): string | null {
  const [a, b] = [timeOf(gold), timeOf(pred)];
  if (a === null || b === null) return null;
  if (a.half !== null && b.half !== null) return a.minutes === b.minutes ? "time" : null;
  return a.minutes % 720 === b.minutes % 720 ? "time" : null;
}

function timeOf(tree: Tree): { readonly minutes: number; readonly half: "am" | "pm" | null } | null {
  if (tree.type === "time") return tree;
  if (tree.type !== "quotient" || tree.top.type !== "number" || tree.bottom.type !== "number") return null;
  const [hours, minutes] = [tree.top, tree.bottom].map(({ value }) => Number(value.numerator));
  if (hours === undefined || minutes === undefined || hours > 24 || minutes > 59) return null;
  return { minutes: hours * 60 + minutes, half: null };
}
