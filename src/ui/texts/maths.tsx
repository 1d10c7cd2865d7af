/**
 * @file Formulas, by KaTeX, as MathML: the browser draws it, so that neither styles nor fonts are needed. What KaTeX does not
 * understand, and what is too large, stays as it was written.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { visibleText } from "../../report/plain-text.ts";
import { formulaTree, type NodeAllowance } from "./formula-tree.ts";

interface MathsProps {
  readonly formula: string;
  readonly isDisplay: boolean;
  /** Of the text that it stands in. */
  readonly allowance: NodeAllowance;
}

/** One formula; its source until it is drawn, and where it cannot be. */
export function Maths({ formula, isDisplay, allowance }: MathsProps) {
  const place = useRef<HTMLSpanElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    let isGone = false;
    void formulaTree(formula, { isDisplay, allowance })
      .then((tree) => {
        if (isGone) return;
        place.current?.replaceChildren(...(tree === null ? [] : [tree.toNode()]));
        setDrawn(tree !== null);
      })
      .catch(() => undefined); // no formula of TeX: the source stands there
    return () => void (isGone = true);
  }, [formula, isDisplay, allowance]);
  return (
    <span class={isDisplay ? "maths display" : "maths"}>
      <span ref={place} />
      {!isDrawn && <code>{visibleText(formula)}</code>}
    </span>
  );
}
