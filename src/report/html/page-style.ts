/** @file The page's style sheet. System fonts only; light and dark by the reader's setting; one column on a phone. */
import { CHART_STYLE, DARK_PALETTE, INTERFACE_FONT, LIGHT_PALETTE } from "../charts/chart-style.ts";

const DISPLAY_FONT = `"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","URW Palladio L",Georgia,serif`;
const CODE_FONT = `ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace`;

const BASE = `:root{color-scheme:light dark;${LIGHT_PALETTE}}
@media (prefers-color-scheme:dark){:root{${DARK_PALETTE}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:break-word;background:var(--paper);color:var(--ink);font:16px/1.6 ${INTERFACE_FONT}}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.5rem}
h1,h2,h3{line-height:1.25;text-wrap:balance}
h1{font:500 clamp(1.7rem,4.6vw,2.6rem)/1.22 ${DISPLAY_FONT};margin:.5rem 0 2rem;letter-spacing:-.01em}
h2{font:500 1.6rem/1.25 ${DISPLAY_FONT};margin:0 0 .6rem}
h3{font-size:1rem;margin:1.8rem 0 .4rem}
section{margin-top:4.5rem}
p{margin:.5rem 0;max-width:42rem}
a{color:var(--student)}
code,pre,.mono{font-family:${CODE_FONT};font-size:.84em}
.eyebrow{font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;color:var(--muted);margin:0}
.quiet{color:var(--muted)}
.small{font-size:.875rem}
:focus-visible{outline:2px solid var(--student);outline-offset:2px}`;

const HEADLINE = `.numbers{display:grid;grid-template-columns:1fr 1fr;gap:1rem 2.5rem;margin:0 0 2.5rem;padding:1.6rem 0;border-block:1px solid var(--line)}
.numbers div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.numbers dt{font-size:.92rem;line-height:1.4}
.numbers dd{margin:0}
.numbers .value{font:400 clamp(3.4rem,12vw,6rem)/1 ${DISPLAY_FONT};letter-spacing:-.03em;white-space:nowrap;font-variant-numeric:lining-nums}
.numbers .unit{font-size:.5em;letter-spacing:0;margin-left:-.1em}
.numbers .detail{font-size:.82rem;color:var(--muted)}
.numbers .base .value{color:var(--base)}
.numbers .student .value{color:var(--student)}
figure{margin:1.5rem 0}
figcaption{font-size:.875rem;color:var(--muted);margin-top:.8rem;max-width:42rem}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart-narrow{display:none}
section.first{margin-top:2.5rem}
.verdict{font-size:1.08rem;margin-top:1.8rem}`;

const TABLES = `.scroll{overflow-x:auto;margin:1.2rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.35}
caption{text-align:left;color:var(--muted);font-size:.84rem;padding-bottom:.6rem;max-width:42rem}
th,td{padding:.42rem .7rem .42rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:500;font-size:.8rem;color:var(--muted);border-bottom-color:var(--muted);vertical-align:bottom}
tbody th{font-weight:400}
.bar+.figure{display:inline-block;min-width:5.2em}
tr.total>*{font-weight:600;border-bottom:0}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
.words{overflow-wrap:anywhere}
tr.base tbody th,tr.base>th{border-left:3px solid var(--base);padding-left:.6rem}
tr.student>th{border-left:3px solid var(--student);padding-left:.6rem}
.bar{display:inline-block;width:5rem;height:.5rem;margin-right:.6rem;background:var(--line);vertical-align:baseline}
.bar i{display:block;height:100%;background:var(--muted)}
tr.base .bar i{background:var(--base)}
tr.student .bar i{background:var(--student)}
.tag{display:inline;font:400 .68rem/1.35 ${INTERFACE_FONT};letter-spacing:.02em;color:var(--muted);border:1px solid var(--line);border-radius:3px;padding:0 .35em;margin-left:.1em;vertical-align:.1em;white-space:nowrap}
details{margin:1rem 0}
.prices table{min-width:40rem}
summary{cursor:pointer;color:var(--student);font-size:.92rem}`;

const FUNNEL = `.funnel{list-style:none;margin:1.6rem 0 0;padding:0}
.funnel li{display:grid;grid-template-columns:11rem 1fr;gap:.1rem 1.2rem;padding:.85rem 0;border-top:1px solid var(--line)}
.funnel .name{font-weight:600}
.funnel .words{font-size:.82rem;color:var(--muted);line-height:1.35}
.funnel .flow{display:flex;height:1.5rem;background:none}
.funnel .kept{background:var(--student)}
.funnel .dropped{background:repeating-linear-gradient(135deg,var(--line) 0 3px,transparent 3px 6px);box-shadow:inset 0 0 0 1px var(--line)}
.funnel .counts{font-size:.9rem;margin-top:.35rem;font-variant-numeric:tabular-nums}
.funnel .reasons{font-size:.82rem;color:var(--muted);line-height:1.4;overflow-wrap:anywhere}`;

const EXAMPLES = `.question,.text{font-family:${CODE_FONT};font-size:.8rem;line-height:1.55;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;margin:0;tab-size:4}
details.example[open]{margin-top:1.6rem}details.example>summary{margin-bottom:.5rem}
.question{background:var(--panel);padding:.8rem 1rem;font-size:.9rem;border-left:3px solid var(--muted)}
.replies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem;margin:1rem 0 2.5rem}
.reply{border:1px solid var(--line);border-top:3px solid var(--student);padding:.8rem 1rem;min-width:0;display:flex;flex-direction:column;gap:.5rem}
.reply.base{border-top-color:var(--base)}
.reply h4{margin:0;font-size:.92rem;display:flex;justify-content:space-between;gap:.15rem 1rem;flex-wrap:wrap}
.outcome{font-weight:600;overflow-wrap:anywhere}
.right{color:var(--good)}
.wrong{color:var(--bad)}
.reply .facts{font-size:.8rem;color:var(--muted);margin:0}
.reply .text.thinking{color:var(--muted);max-height:19rem;overflow:auto}
.reply .answer{font-weight:600;border-top:1px dashed var(--line);padding-top:.5rem}
mark{background:var(--forced);color:var(--ink);border-bottom:2px solid var(--base);padding:0 .1em}
.trace{background:var(--panel);padding:.9rem 1rem}
.read{color:var(--muted);text-decoration:underline dotted;text-underline-offset:.25em}
.trained{background:var(--student-soft);color:var(--ink)}
.command{background:var(--panel);padding:.9rem 1rem;overflow-x:auto;margin:1rem 0;font-size:.92rem}
.limits{padding-left:1.2rem;max-width:42rem}
.limits li{margin:.55rem 0}
footer{margin-top:4rem;padding-bottom:3rem;font-size:.84rem;color:var(--muted)}`;

const LIVE = `#live-link{margin:-1rem 0 0}
.live-controls{background:var(--panel);padding:1.1rem 1.2rem;margin:1.4rem 0 1rem}
.live-controls label,.live-controls legend{font-size:.84rem;color:var(--muted)}
.live-ask{display:grid;grid-template-columns:9.5rem minmax(0,1fr) auto;gap:.5rem .8rem;align-items:center;margin-bottom:.6rem}
.live-controls select,.live-controls input[type=text],.live-controls button{font:inherit;font-size:.92rem;min-height:2.5rem;min-width:0;color:var(--ink);background:var(--paper);border:1px solid var(--muted);border-radius:4px;padding:.3rem .7rem}
.live-controls select,.live-controls input[type=text]{font-family:${CODE_FONT};font-size:.84rem;width:100%}
.live-controls button{cursor:pointer;white-space:nowrap}
.live-controls button:hover:enabled{border-color:var(--student);color:var(--student)}
.live-controls button.strong{background:var(--student);border-color:var(--student);color:var(--paper);font-weight:600}
.live-controls button.strong:hover{color:var(--paper);filter:brightness(1.1)}
.live-controls button:disabled{opacity:.45;cursor:default}
.live-controls code{font-size:.95em}
.live-dials{display:flex;flex-wrap:wrap;gap:.9rem 2.4rem;margin:.9rem 0;align-items:end}
.live-budget{flex:1 1 19rem}
.live-budget label{display:block}
.live-budget output{color:var(--ink);font-weight:600}
.live-budget input{width:100%;height:2rem;margin:0;accent-color:var(--student);cursor:pointer}
.live-controls fieldset{border:0;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem}
.live-controls fieldset legend{padding:0}
.live-controls fieldset label,.live-run label{display:inline-flex;align-items:center;gap:.4rem;min-height:2rem;color:var(--ink);font-size:.92rem}
.live-controls input[type=radio],.live-controls input[type=checkbox]{width:1.1rem;height:1.1rem;margin:0;accent-color:var(--student)}
.live-run{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1.2rem}
.replies.live{margin-bottom:1rem;align-items:stretch}
.replies.live .reply h3{margin:0;font-size:.92rem;display:flex;justify-content:space-between;gap:.15rem 1rem;flex-wrap:wrap}
.replies.live .thinking{height:16rem;flex:none}
.replies.live .answer{min-height:3.2rem}
.replies.live .facts{min-height:1.3rem}
.replies.live [aria-busy=true] .thinking::after{content:"▍";color:var(--student)}
.replies.live .base[aria-busy=true] .thinking::after{color:var(--base)}`;

const NARROW = `@media (max-width:560px){main,header,footer{padding-left:1.1rem;padding-right:1.1rem}
header{padding-top:2rem}section{margin-top:3.2rem}
.numbers{gap:.8rem 1rem;padding:1.2rem 0;margin-bottom:1.6rem}
.chart-wide{display:none}.chart-narrow{display:block}
.funnel li{grid-template-columns:1fr}
table{font-size:.82rem}th,td{padding-right:.5rem}tbody th{min-width:8.5rem}caption{position:sticky;left:0;max-width:calc(100vw - 2.2rem)}
.bar{display:none}.bar+.figure{min-width:0;display:inline}
.live-controls{padding:.9rem .9rem}.live-ask{grid-template-columns:minmax(0,1fr) auto;gap:.35rem .5rem}.live-ask label{grid-column:1/-1}
.live-controls select,.live-controls input[type=text]{font-size:16px}
.replies.live .thinking{height:14rem}
.number .tag{display:table;margin:.15em 0 0 auto}}`;

const PRINT = `@media print{#live-section,#live-link{display:none}:root{${LIGHT_PALETTE}--paper:#fff}
body{font-size:10pt}header{padding-top:0}section{margin-top:1.8rem}main,header,footer{padding-left:0;padding-right:0}
h1{font-size:1.7rem;margin-bottom:1rem}.numbers{padding:.8rem 0;margin-bottom:1rem}.numbers .value{font-size:3.4rem}
.replies{grid-template-columns:1fr 1fr}
figure,.reply,.funnel li,tr{break-inside:avoid}h2,h3,caption{break-after:avoid}
.reply .text.thinking{max-height:none;overflow:visible}.scroll{overflow:visible}
details::details-content{content-visibility:visible;display:block}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}`;

/** The whole style sheet; contains nothing that comes from a run. */
export const PAGE_STYLE = [BASE, HEADLINE, CHART_STYLE, TABLES, FUNNEL, EXAMPLES, LIVE, NARROW, PRINT].join("\n");
