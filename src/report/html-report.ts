/** @file The report as one HTML file: no network, nothing outside it, and no script but the one that runs a carried student. */
import { lossChart } from "./charts/loss-chart.ts";
import { examplesSection } from "./html/examples-section.ts";
import { funnelSection } from "./html/funnel-section.ts";
import { accuracySection, headlineHeader } from "./html/headline-section.ts";
import { contentPolicy, liveData, liveLink, liveSection } from "./html/live-section.ts";
import { PAGE_STYLE } from "./html/page-style.ts";
import { basisTag, tableMarkup } from "./html/table.ts";
import type { LiveStudent } from "./live-student.ts";
import { type Markup, markup, trustedMarkup } from "./markup.ts";
import { noBreak } from "./number-format.ts";
import { type ReportView, reportView } from "./report-view.ts";
import type { RunResults } from "./run-results.ts";

/** A small picture of a still as a data URL, so that no browser asks for a favicon. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='10' r='5' fill='%235b3594'/%3E%3Cpath d='M8 6V2h6v5' fill='none' stroke='%238f5200' stroke-width='2'/%3E%3C/svg%3E";

function controlsSection({ controls }: ReportView): Markup {
  return markup`<section aria-labelledby="controls"><h2 id="controls">Controls</h2>
${controls.claim && markup`<p class="verdict">${noBreak(controls.claim.sentence)}${basisTag("measured")}</p>`}
<p class="small quiet">${noBreak(controls.note)}</p>
${controls.table && tableMarkup(controls.table)}</section>`;
}

function trainingSection({ training }: ReportView): Markup {
  if (training.raw.length === 0) return markup``;
  const wide = lossChart(training, { width: 880, height: 260, idPrefix: "loss-wide" });
  const narrow = lossChart(training, { width: 346, height: 240, idPrefix: "loss-narrow" });
  return markup`<section aria-labelledby="training"><h2 id="training">Loss while training</h2>
<p>${noBreak(training.sentence)}${basisTag("measured")}</p>
<figure><div class="chart-wide">${wide}</div><div class="chart-narrow">${narrow}</div>
<figcaption>Faint: every step. Strong: running mean. Thin dashes: learning rate, up to ${training.highestRate}. Dotted: ends of epochs.</figcaption></figure>
${training.findings.map((finding) => markup`<p class="small">${noBreak(finding)}</p>`)}${training.job && tableMarkup(training.job)}</section>`;
}

function costSection({ cost, wouldHaveCost }: ReportView): Markup {
  return markup`<section aria-labelledby="cost"><h2 id="cost">What it cost</h2>
<p>${noBreak(cost.sentence)}</p>${tableMarkup(cost.table)}${cost.accounts === null ? [] : tableMarkup(cost.accounts)}${cost.judge === null ? [] : markup`<p>${noBreak(cost.judge)}</p>`}
<h3>What s1’s way would have cost</h3>
<p>${noBreak(wouldHaveCost.sentence)}${basisTag("estimated")}</p>${tableMarkup(wouldHaveCost.steps)}
<details class="prices"><summary>Price by price, with day and source</summary>${tableMarkup(wouldHaveCost.prices)}</details></section>`;
}

function reproductionSection({ facts }: ReportView): Markup {
  return markup`<section aria-labelledby="reproduce"><h2 id="reproduce">Run it again</h2>
<p>The same command gives the same numbers with the same kernel build, at any thread count.</p>
<pre class="command" tabindex="0"><code>${facts.command}</code></pre>
${tableMarkup(facts.setup)}${tableMarkup(facts.versions)}
<details><summary>Resolved recipe</summary><pre class="command" tabindex="0"><code>${facts.recipe}</code></pre></details></section>`;
}

function honestySection({ teacher, limits, published }: ReportView): Markup {
  return markup`<section aria-labelledby="limits"><h2 id="limits">What this does not show</h2>
<ul class="limits"><li>${noBreak(teacher)}${basisTag("simulated")}</li>${limits.map((limit) => markup`<li>${noBreak(limit)}</li>`)}</ul>
${tableMarkup(published)}</section>`;
}

/**
 * The whole report of a run as one self-contained HTML document; all text of the run is capped and escaped.
 *
 * @param live The student to carry, or why there is none; undefined says nothing of it.
 */
export function htmlReport(results: RunResults, live?: LiveStudent): string {
  const view = reportView(results);
  const sections = [
    accuracySection,
    () => liveSection(live),
    controlsSection,
    funnelSection,
    examplesSection,
    trainingSection,
    costSection,
    reproductionSection,
    honestySection,
  ];
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(live)}"><meta name="referrer" content="no-referrer">
<title>${view.recipeName}: ${view.headline.base.value} to ${view.headline.student.value} · Grappa</title>
<link rel="icon" href="${ICON}"><style>${trustedMarkup(PAGE_STYLE)}</style></head>
<body>${headlineHeader(view)}<main>${liveLink(live)}${sections.map((section) => section(view))}</main>
<footer>Written by Grappa. Every number carries its n and interval where it has one; tags say whether it was measured, estimated, simulated or published.</footer>${liveData(live)}</body></html>
`.text;
}
