import { accuracyChart } from "../charts/accuracy-chart.ts";
import { type Markup, markup } from "../markup.ts";
import { noBreak } from "../number-format.ts";
import type { ReportView } from "../report-view.ts";
import type { BigNumber } from "../view/headline.ts";
import { basisTag, tableMarkup } from "./table.ts";

/** The figure large, its percent sign small. */
function bigValue(value: string): Markup {
  const [figure, unit] = value.split(" ");
  return markup`${figure}${unit !== undefined && markup`<span class="unit"> ${unit}</span>`}`;
}

function bigNumber({ value, label, detail }: BigNumber, tone: "base" | "student"): Markup {
  return markup`<div class="${tone}"><dt>${noBreak(label)}<br><span class="detail">${noBreak(detail)}</span>${basisTag("measured")}</dt><dd class="value">${bigValue(value)}</dd></div>`;
}

/** Sentence, two numbers: what a reader takes away in five seconds. */
export function headlineHeader({ headline, recipeName, seed, runId }: ReportView): Markup {
  return markup`<header><p class="eyebrow">Grappa · ${recipeName}, seed ${seed} · run ${runId}</p>
<h1>${noBreak(headline.sentence)}</h1>
<dl class="numbers">${bigNumber(headline.base, "base")}${bigNumber(headline.student, "student")}</dl></header>`;
}

/** The chart, the verdict and the figures behind them. */
export function accuracySection({ headline, sweep }: ReportView): Markup {
  const wide = accuracyChart(sweep.chart, { width: 880, height: 440, idPrefix: "accuracy-wide" });
  const narrow = accuracyChart(sweep.chart, { width: 346, height: 360, idPrefix: "accuracy-narrow" });
  return markup`<section class="first" aria-labelledby="accuracy"><h2 id="accuracy">Accuracy against thinking</h2>
<figure><div class="chart-wide">${wide}</div><div class="chart-narrow">${narrow}</div>
<figcaption>Open circles: thinking cut at the number of tokens beside them, then an answer forced. Filled circle: the student ends by itself. Diamonds: its end is replaced by “Wait” once or more, and it thinks on. Amber: the base at its best. Bars and band: 95 % intervals.</figcaption></figure>
<p class="verdict">${noBreak(headline.verdict)}</p>
<p class="small quiet">${noBreak(headline.evidence)}${sweep.metrics && ` ${noBreak(sweep.metrics)}`}${basisTag("measured")}</p>
${tableMarkup(sweep.settings)}
${sweep.waits && tableMarkup(sweep.waits)}
${sweep.methods && tableMarkup(sweep.methods)}
<details><summary>By question family, and how replies ended</summary>${tableMarkup(sweep.families)}</details></section>`;
}
