/** @file Markup of the report inside the page. It is the only way in which text becomes markup here. */
import { useMemo } from "preact/hooks";
import type { ChartOptions } from "../../report/charts/accuracy-frame.ts";
import { Markup } from "../../report/markup.ts";

/** The browser lets nothing but what this policy made become markup, where it knows Trusted Types. */
const policy = window.trustedTypes?.createPolicy("grappa", { createHTML: (text) => text });

/** Finished markup, made by `markup` of src/report/markup.ts, which escapes whatever it holds. */
export function Picture({ content, name }: { readonly content: Markup; readonly name?: string }) {
  // A value of the same shape that did not come from there is a bug, and must not get through.
  if (!(content instanceof Markup)) throw new Error("not markup");
  const html = (policy?.createHTML(content.text) ?? content.text) as string;
  return <div class={name} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** A chart of the report, drawn twice: for a wide place and for a phone's. */
export function Chart({
  draw,
  name,
  height,
}: {
  /** Draws it; must be the same function while its data are the same. */
  readonly draw: (options: ChartOptions) => Markup;
  /** Keeps the ids of its parts unique in the page. */
  readonly name: string;
  readonly height: number;
}) {
  const [wide, narrow] = useMemo(
    () => [
      draw({ width: 880, height, idPrefix: `${name}-wide` }),
      draw({ width: 346, height: Math.max(240, Math.round(height * 0.82)), idPrefix: `${name}-narrow` }),
    ],
    [draw, name, height],
  );
  return (
    <>
      <Picture name="chart-wide" content={wide} />
      <Picture name="chart-narrow" content={narrow} />
    </>
  );
}
