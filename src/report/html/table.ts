import { type Markup, markup } from "../markup.ts";
import type { Basis } from "../run-results.ts";
import type { Cell, Column, DataTable, Row } from "../view/data-table.ts";

/** A small tag that says where a number comes from. */
export function basisTag(basis: Basis): Markup {
  return markup` <span class="tag">${basis}</span>`;
}

function content({ text, basis, bar }: Cell): Markup {
  const width = Math.round(Math.min(1, Math.max(0, bar ?? 0)) * 100);
  return markup`${bar !== undefined && markup`<span class="bar" aria-hidden="true"><i style="width:${width}%"></i></span>`}<span class="figure">${text}</span>${basis && basisTag(basis)}`;
}

function rowMarkup({ cells, tone }: Row, columns: readonly Column[]): Markup {
  const [first, ...rest] = cells;
  const others = rest.map((cell, index) => {
    const kind = columns[index + 1]?.isNumber ? "number" : "words";
    return markup`<td class="${kind}">${content(cell)}</td>`;
  });
  return markup`<tr class="${tone}"><th scope="row">${first && content(first)}</th>${others}</tr>`;
}

/** A table with caption and row headings; it scrolls sideways by itself where the screen is too narrow. */
export function tableMarkup({ caption, columns, rows }: DataTable): Markup {
  const heads = columns.map(
    ({ label, isNumber }) => markup`<th scope="col"${isNumber ? markup` class="number"` : null}>${label}</th>`,
  );
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>${rows.map((row) => rowMarkup(row, columns))}</tbody></table></div>`;
}
