import { type Markup, markup } from "../markup.ts";
import { count } from "../number-format.ts";
import type { ReportView } from "../report-view.ts";
import type { FunnelRow } from "../view/funnel.ts";
import { basisTag } from "./table.ts";

function rowMarkup(row: FunnelRow): Markup {
  const width = (share: number) => Math.round(share * 1000) / 10;
  const reasons = row.reasons.map(({ reason, count: rows }) => `${reason} ${count(rows)}`).join(" · ");
  return markup`<li><div><span class="name">${row.stage}</span><div class="words">${[row.words, row.note].filter(Boolean).join("; ")}</div></div>
<div><div class="flow" aria-hidden="true"><span class="kept" style="width:${width(row.keptShare)}%"></span><span class="dropped" style="width:${width(row.droppedShare)}%"></span></div>
<div class="counts"><strong>${count(row.kept)}</strong> kept, ${count(row.dropped)} dropped</div>${reasons !== "" && markup`<div class="reasons">${reasons}</div>`}</div></li>`;
}

/** The funnel as a list: solid is kept, hatched is dropped, with the reasons. */
export function funnelSection({ funnel }: ReportView): Markup {
  const [first, last] = [funnel[0], funnel.at(-1)];
  const sentence =
    first === undefined || last === undefined
      ? "No stage reported what it kept."
      : `${count(first.kept + first.dropped)} candidates became ${count(last.kept)} examples. Nothing leaves without a reason.`;
  return markup`<section aria-labelledby="funnel"><h2 id="funnel">From questions to examples</h2>
<p>${sentence}${basisTag("measured")}</p><ol class="funnel">${funnel.map(rowMarkup)}</ol></section>`;
}
