/** @file A run's examples as one HTML file: no network, nothing outside it, one script; see xray-data.ts for what it carries. */
import { sha256Base64 } from "../core/hash.ts";
import { EXAMPLE_GATES } from "../tokenize/example-gates.ts";
import { TOKEN_ROLES } from "../tokenize/example-roles.ts";
import { DARK_PALETTE, INTERFACE_FONT, LIGHT_PALETTE } from "./charts/chart-style.ts";
import { type Markup, markup, trustedMarkup } from "./markup.ts";
import { count, counted, noBreak, percent } from "./number-format.ts";
import { type PageData, ROW_HEIGHT, XRAY_IDS, type XrayPageFacts } from "./xray-data.ts";

/** How every x-ray page begins; nothing else is written over. */
export const XRAY_PAGE_START = "<!doctype html><!-- grappa xray -->";

const STYLE = `:root{color-scheme:light dark;${LIGHT_PALETTE}--prompt:#6b6672;--delimiter:#a3320b;--thinking:#5b3594;--answer:#00614f;--end:#0b5394}
@media (prefers-color-scheme:dark){:root{${DARK_PALETTE}--prompt:#aaa4b5;--delimiter:#ff9e7d;--thinking:#c6a9f7;--answer:#6fd3b8;--end:#8ec3ff}}
*{box-sizing:border-box}
html,body{height:100%}
body{margin:0;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);font:15px/1.5 ${INTERFACE_FONT}}
header{padding:1rem 1.5rem;border-bottom:1px solid var(--line)}
h1{font-size:1.25rem;margin:0 0 .3rem}
h2{font-size:1.05rem;margin:0}
p{margin:.2rem 0}
.quiet{color:var(--muted)}.small,.item .quiet{font-size:.82rem}
.gates{margin:.4rem 0 0;padding-left:1.2rem}.gates li,#${XRAY_IDS.faults} li{color:var(--bad)}
.lengths{display:flex;align-items:flex-end;gap:2px;height:3.2rem;margin:.6rem 0 .1rem;max-width:34rem}
.lengths i{flex:1;background:var(--student);min-height:1px}
main{flex:1;min-height:0;display:grid;grid-template-columns:minmax(16rem,24rem) 1fr}
.side{display:flex;flex-direction:column;min-height:0;border-right:1px solid var(--line)}
.find{padding:.8rem 1rem;border-bottom:1px solid var(--line);display:grid;gap:.4rem}
input,select,button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:.35rem .6rem;width:100%}
button{width:auto;cursor:pointer;margin:.8rem 0}
#${XRAY_IDS.list}{flex:1;overflow-y:auto;min-height:0}
#${XRAY_IDS.rows}{position:relative}
.item{position:absolute;left:0;right:0;height:${ROW_HEIGHT}px;padding:.5rem 1rem;border-bottom:1px solid var(--line);cursor:pointer;overflow:hidden}
.item .text{display:block;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.item .quiet{display:block;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.item[aria-selected=true]{background:var(--student-soft)}
.faulty{border-left:4px solid var(--bad)}
.shown{display:flex;flex-direction:column;min-height:0;padding:.9rem 1.5rem}
.shown p{overflow-wrap:anywhere}
#${XRAY_IDS.tokens}{flex:1;overflow:auto;min-height:0;margin:.6rem 0 0;padding:.8rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.9 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
${TOKEN_ROLES.map((role) => `.${role}{color:var(--${role});background:color-mix(in srgb,var(--${role}) 14%,transparent)}.${role}.odd{background:color-mix(in srgb,var(--${role}) 26%,transparent)}`).join("")}
.untrained,.untrained.odd{background:none;border-bottom:1px dotted currentColor}
#${XRAY_IDS.faults}{margin:.4rem 0;padding-left:1.2rem}#${XRAY_IDS.faults}:empty{display:none}
.legend span{padding:.05rem .4rem;margin-right:.5rem;border-radius:3px;white-space:nowrap}
:focus-visible{outline:2px solid var(--student);outline-offset:2px}
@media (max-width:46rem){html,body{height:auto}main{grid-template-columns:1fr}.side{border-right:0}#${XRAY_IDS.list}{height:14rem;flex:none}#${XRAY_IDS.tokens}{max-height:none}}`;

function contentPolicy(script: string): string {
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-${sha256Base64(script)}'`;
}

function lengthChart({ summary }: XrayPageFacts): Markup {
  const most = Math.max(1, ...summary.lengths.map(({ rows }) => rows));
  const [first, last] = [summary.lengths[0], summary.lengths.at(-1)];
  if (first === undefined || last === undefined) return markup``;
  const bars = summary.lengths.map(
    ({ from, to, rows }) =>
      markup`<i style="height:${((100 * rows) / most).toFixed(1)}%" title="${count(from)} to ${count(to - 1)} tokens: ${counted(rows, "row")}"></i>`,
  );
  return markup`<div class="lengths" role="img" aria-label="rows by length, from ${count(first.from)} to ${count(last.to - 1)} tokens">${bars}</div>
<p class="small quiet">rows by length, ${count(first.from)} to ${count(last.to - 1)} tokens</p>`;
}

function gateList({ summary }: XrayPageFacts): Markup {
  if (summary.gates.length === 0)
    return markup`<p class="small">All ${Object.keys(EXAMPLE_GATES).length} gates passed in every row.</p>`;
  const items = summary.gates.map(
    ({ gate, what, rows }) => markup`<li><strong>${gate}</strong>: ${counted(rows, "row")}; ${what}</li>`,
  );
  return markup`<ul class="gates">${items}</ul>`;
}

function pageHeader(facts: XrayPageFacts): Markup {
  const { run, style, maxLength, summary, leftOut } = facts;
  const share = summary.tokens === 0 ? null : summary.trainedTokens / summary.tokens;
  const figures = `${counted(summary.rows, "row")}, ${counted(summary.tokens, "token")}, ${percent(share)} trained; ${count(summary.shortest)} to ${count(summary.longest)} tokens a row, median ${count(summary.median)}, at most ${count(maxLength)} allowed; style ${style}`;
  return markup`<header><h1>What ${run} is trained on</h1><p>${noBreak(figures)}</p>
${leftOut > 0 && markup`<p class="small">This page has no room for ${counted(leftOut, "row")}; grappa xray RUN ID shows them.</p>`}
${lengthChart(facts)}${gateList(facts)}</header>`;
}

function findBox({ summary }: XrayPageFacts): Markup {
  const gates = summary.gates.map(
    ({ gate, rows }) => markup`<option value="${gate}">${gate} (${count(rows)})</option>`,
  );
  const failing = summary.gates.length > 0 && markup`<option value="any">rows that fail a gate</option>${gates}`;
  return markup`<div class="find"><label for="${XRAY_IDS.search}">Search questions and ids</label>
<input type="search" id="${XRAY_IDS.search}" spellcheck="false" autocomplete="off">
<select id="${XRAY_IDS.filter}" aria-label="which rows"><option value="">all rows</option>${failing}</select>
<span class="small quiet" role="status" id="${XRAY_IDS.found}"></span></div>`;
}

function legend(): Markup {
  return markup`<p class="legend small">${TOKEN_ROLES.map((role) => markup`<span class="${role}">${role}</span>`)}<span class="prompt untrained">dotted: no loss</span></p>`;
}

/** JSON that can stand inside a script element: no `<` can open a tag there. */
function dataJson(data: PageData): Markup {
  return trustedMarkup(JSON.stringify(data).replaceAll("<", "\\u003c"));
}

/**
 * The page; all text of the run is capped and escaped.
 *
 * @param script What runs in it, built by us (`dist/live/xray.js`); stands in the page as it is.
 */
export function xrayPage(facts: XrayPageFacts, data: PageData, script: string): string {
  return markup`${trustedMarkup(XRAY_PAGE_START)}
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(script)}"><meta name="referrer" content="no-referrer">
<title>X-ray of ${facts.run} · Grappa</title><link rel="icon" href="data:,"><style>${trustedMarkup(STYLE)}</style></head>
<body>${pageHeader(facts)}<main><div class="side">${findBox(facts)}
<div id="${XRAY_IDS.list}" role="listbox" tabindex="0" aria-label="examples, in the order of the selection"><div id="${XRAY_IDS.rows}" role="presentation"></div></div></div>
<section class="shown" aria-labelledby="${XRAY_IDS.row}"><h2 id="${XRAY_IDS.row}"></h2><p class="small quiet" id="${XRAY_IDS.facts}"></p>
<ul id="${XRAY_IDS.faults}"></ul>${legend()}<div id="${XRAY_IDS.tokens}" tabindex="0" role="region" aria-label="tokens of the chosen example"></div>
<div><button type="button" id="${XRAY_IDS.more}" hidden></button></div><p class="small quiet" id="${XRAY_IDS.pointed}"></p></section></main>
<noscript><p>This page needs its script to unpack the examples.</p></noscript>
<script type="application/json" id="${XRAY_IDS.data}">${dataJson(data)}</script>
<script>${trustedMarkup(script)}</script></body></html>
`.text;
}
