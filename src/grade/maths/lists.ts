/** @file Lists as people write them: numbered unknowns `x_1 = 1, x_2 = 2`, and what letters stand for, `x = k\pi, k \in \mathbb{Z}`. */
import { formText } from "./form-text.ts";
import { freeSymbols, mapTree, type Tree, type TreeOf } from "./tree.ts";

const NUMBERED = /^([a-zA-Z])_\d{1,2}$/u;

/** A list with the letters of another answer, where lists may be written in several. The same list where there is nothing to do. */
export function namedAlike(tree: Tree, other: Tree): Tree {
  if (tree.type !== "set") return tree;
  const alike = withoutNumbers(tree, other);
  return alike === tree ? withParametersOf(tree, other) : alike;
}

/** The values of numbered unknowns as values of the one that the other side names: `x_1 = 1` where it has `x = 1`. */
function withoutNumbers(tree: TreeOf<"set">, other: Tree): Tree {
  const numbered = new Set(tree.items.map(unknownOf));
  const [only] = numbered;
  const letter = NUMBERED.exec(only ?? "")?.[1];
  const areAlike = [...numbered].every((name) => NUMBERED.exec(name ?? "")?.[1] === letter);
  if (letter === undefined || numbered.size < tree.items.length || !areAlike) return tree;
  const others = other.type === "set" ? other.items : [other];
  if (!others.every((item) => unknownOf(item) === letter)) return tree;
  const renamed = (item: Tree): Tree =>
    mapTree(item, (part) => (part.type === "symbol" && numbered.has(part.name) ? { ...part, name: letter } : part));
  return { ...tree, items: tree.items.map(renamed) };
}

/** The letter that an equation gives a value to. */
function unknownOf(item: Tree): string | null {
  const [first] = item.type === "relation" && item.operators[0] === "=" ? item.operands : [];
  return first?.type === "symbol" ? first.name : null;
}

/**
 * A list in the other's letters: without what its letters stand for where the other does not say so, and with the other's
 * letter where both have one for the same numbers: `x = 2k\pi, k \in \mathbb{Z}` is `x = 2n\pi, n \in \mathbb{Z}`.
 */
function withParametersOf(tree: TreeOf<"set">, other: Tree): Tree {
  const [own, others] = [parametersOf(tree), other.type === "set" ? parametersOf(other) : []];
  const [mine, more] = own;
  if (mine === undefined) return tree;
  const [theirs, ...further] = others;
  if (theirs === undefined) {
    const items = tree.items.filter((item) => !own.includes(item as Member));
    return items.length === 1 ? (items[0] as Tree) : { ...tree, items };
  }
  const isSameKind = formText(mine.operands[1]) === formText(theirs.operands[1]);
  if (more !== undefined || further.length > 0 || !isSameKind) return tree;
  const [from, to] = [mine.operands[0].name, theirs.operands[0].name];
  if (freeSymbols(tree).includes(to)) return tree;
  return mapTree(tree, (part) => (part.type === "symbol" && part.name === from ? { ...part, name: to } : part));
}

type Member = TreeOf<"relation"> & { readonly operands: readonly [TreeOf<"symbol">, Tree] };

/** Items that say which numbers a letter of another item stands for: `k \in \mathbb{Z}`. */
function parametersOf({ items, isBraced }: TreeOf<"set">): Member[] {
  if (isBraced) return [];
  return items
    .filter(isMember)
    .filter((member) => items.some((item) => item !== member && freeSymbols(item).includes(member.operands[0].name)));
}

function isMember(item: Tree): item is Member {
  if (item.type !== "relation" || item.operators.join() !== "in") return false;
  const [letter, set] = item.operands;
  const isNumbers = set?.type === "namedSet" || (set?.type === "symbol" && /^[NZ]\^/.test(set.name));
  return letter?.type === "symbol" && isNumbers;
}
