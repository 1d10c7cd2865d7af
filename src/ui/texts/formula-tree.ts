/**
 * @file Formulas by KaTeX as trees of MathML, and how large they may be: a macro of a hundred characters makes hundreds of thousands
 * of nodes. Loaded when the first formula is shown.
 */
import { visibleText } from "../../report/plain-text.ts";

/** The part of KaTeX's tree that is used; it is exported for such uses. */
export interface FormulaTree {
  readonly children?: readonly FormulaTree[];
  readonly attributes?: Record<string, string>;
  toNode(): Node;
}
type MakeTree = (formula: string, options: object) => FormulaTree;

/** A formula of more nodes is none that was meant to be read: of as many characters as one may have, the most have three each. */
const MOST_NODES = 6000;
/** Of the formulas of a text together; whole ones of a few dozen nodes each are counted in hundreds. */
const MOST_NODES_OF_TEXT = 50_000;

/** How many nodes the formulas of one text may still make. */
export class NodeAllowance {
  #left = MOST_NODES_OF_TEXT;

  /** Whether nothing is left. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** Counts a tree, and tells whether it may be drawn. One that is too large counts too: making it took the time. */
  take(tree: FormulaTree): boolean {
    const nodes = nodesOf(tree);
    this.#left -= nodes;
    return nodes <= MOST_NODES && this.#left >= 0;
  }
}

let loading: Promise<MakeTree> | undefined;

async function loadMaths(): Promise<MakeTree> {
  const { default: katex } = await import("katex");
  return (katex as unknown as { readonly __renderToDomTree: MakeTree }).__renderToDomTree;
}

/** Nothing of a formula may lead anywhere, grow past its place, or go on for ever. */
const LIMITS = { output: "mathml", trust: false, throwOnError: true, strict: "ignore", maxSize: 10, maxExpand: 200 };

/** The formula's tree; null where it is too large to be drawn. Throws where it is no TeX. */
export async function formulaTree(
  formula: string,
  { isDisplay, allowance }: { readonly isDisplay: boolean; readonly allowance: NodeAllowance },
): Promise<FormulaTree | null> {
  loading ??= loadMaths();
  const makeTree = await loading;
  if (allowance.isSpent) return null;
  const tree = makeTree(visibleText(formula), { ...LIMITS, displayMode: isDisplay });
  return allowance.take(tree) ? withoutStyles(tree) : null;
}

function nodesOf({ children }: FormulaTree): number {
  return 1 + (children ?? []).reduce((sum, child) => sum + nodesOf(child), 0);
}

/** The page's policy allows no style in an attribute, and the browser would say so of each. */
function withoutStyles(node: FormulaTree): FormulaTree {
  if (node.attributes !== undefined) delete node.attributes["style"];
  node.children?.forEach(withoutStyles);
  return node;
}
