/**
 * @file Formulas, by KaTeX, as MathML: the browser draws it, so that neither styles nor fonts are needed. Loaded when the first
 * formula is shown. What KaTeX does not understand stays as it was written.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { visibleText } from "../../report/plain-text.ts";

/** The part of KaTeX's tree that is used; it is exported for such uses. */
interface MathsNode {
  readonly children?: readonly MathsNode[];
  readonly attributes?: Record<string, string>;
  toNode(): Node;
}
type MakeTree = (formula: string, options: object) => MathsNode;

let loading: Promise<MakeTree> | undefined;

async function loadMaths(): Promise<MakeTree> {
  const { default: katex } = await import("katex");
  return (katex as unknown as { readonly __renderToDomTree: MakeTree }).__renderToDomTree;
}

/** Nothing of a formula may lead anywhere, grow past its place, or go on for ever. */
const LIMITS = { output: "mathml", trust: false, throwOnError: true, strict: "ignore", maxSize: 10, maxExpand: 200 };

/** The page's policy allows no style in an attribute, and the browser would say so of each. */
function withoutStyles(node: MathsNode): MathsNode {
  if (node.attributes !== undefined) delete node.attributes["style"];
  node.children?.forEach(withoutStyles);
  return node;
}

/** One formula; its source until it is drawn, and where it cannot be. */
export function Maths({ formula, isDisplay }: { readonly formula: string; readonly isDisplay: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    let isGone = false;
    loading ??= loadMaths();
    void loading
      .then((makeTree) => {
        if (isGone) return;
        const tree = makeTree(visibleText(formula), { ...LIMITS, displayMode: isDisplay });
        place.current?.replaceChildren(withoutStyles(tree).toNode());
        setDrawn(true);
      })
      .catch(() => undefined); // no formula of TeX: the source stands there
    return () => void (isGone = true);
  }, [formula, isDisplay]);
  return (
    <span class={isDisplay ? "maths display" : "maths"}>
      <span ref={place} />
      {!isDrawn && <code>{visibleText(formula)}</code>}
    </span>
  );
}
