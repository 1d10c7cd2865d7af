/** @file A text that a model or a data set wrote: its formulas drawn, its code coloured, all else as text, and not too much at once. */
import { useMemo, useState } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import type { ShownText } from "../../report/page/trace-list.ts";
import { visibleText } from "../../report/plain-text.ts";
import { boundedParts } from "./bounded-parts.ts";
import { Code } from "./code.tsx";
import { NodeAllowance } from "./formula-tree.ts";
import { Maths } from "./maths.tsx";
import { splitText, type TextPart } from "./split-text.ts";

/** Shown at first; more on demand. */
const FIRST_CHARACTERS = 20_000;

/** The text; what is left out is counted. */
export function ModelText({ text: { text, left } }: { readonly text: ShownText }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? text : text.slice(0, FIRST_CHARACTERS);
  const parts = useMemo(() => boundedParts(splitText(shown)), [shown]);
  const allowance = useMemo(() => new NodeAllowance(), [shown]);
  if (text === "") return <p class="quiet">empty</p>;
  return (
    <>
      <div class="model-text">
        {parts.map((part, at) => (
          <Part key={at} part={part} allowance={allowance} />
        ))}
      </div>
      {shown.length < text.length ? (
        <button type="button" onClick={() => setWhole(true)}>
          show {count(text.length - shown.length)} characters more
        </button>
      ) : (
        left > 0 && <p class="quiet small">… {count(left)} characters more are not shown</p>
      )}
    </>
  );
}

interface PartProps {
  readonly part: TextPart;
  readonly allowance: NodeAllowance;
}

function Part({ part: { kind, source, content, language }, allowance }: PartProps) {
  if (kind === "code") return <Code text={content} language={language} />;
  if (kind === "text") return <span>{visibleText(source)}</span>;
  return <Maths formula={content} isDisplay={kind === "display"} allowance={allowance} />;
}
