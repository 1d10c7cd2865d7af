/** @file Colours and type of charts and page. Violet for the student, amber for its base: told apart by any eye, also in grey. */

/** Custom properties for light surroundings. Text colours have a contrast of at least 4.5 on `--paper` and `--panel`. */
export const LIGHT_PALETTE = `--paper:#fdfcf9;--panel:#f5f2eb;--ink:#1f1d24;--muted:#5e5a66;--line:#ddd8cd;
--student:#5b3594;--student-soft:#e9e1f6;--base:#8f5200;--base-soft:#f6e6c9;--good:#006350;--bad:#a3320b;--forced:#ffe08a;`;

/** Custom properties for dark surroundings. */
export const DARK_PALETTE = `--paper:#17151b;--panel:#211e27;--ink:#ece8f1;--muted:#aaa4b5;--line:#3a3543;
--student:#c6a9f7;--student-soft:#352a4d;--base:#eab566;--base-soft:#3f321c;--good:#6fd3b8;--bad:#ff9e7d;--forced:#6a4f00;`;

/** Font of charts and interface: whatever the reader's system uses for its own menus. */
export const INTERFACE_FONT = `system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif`;

/** Rules of every chart; expects the custom properties around it. */
export const CHART_STYLE = `.chart{font-family:${INTERFACE_FONT};font-size:13px;fill:var(--ink)}
.chart .grid{stroke:var(--line);stroke-width:1}
.chart .axis{stroke:var(--muted);stroke-width:1}
.chart .break{stroke:var(--line);stroke-width:1;stroke-dasharray:2 4}
.chart .tick{fill:var(--muted);font-size:12px;font-variant-numeric:tabular-nums}
.chart .axis-title{fill:var(--muted);font-size:12px}
.chart .base-band{fill:var(--base);fill-opacity:.18}
.chart .reference-line{stroke:var(--muted);stroke-width:1;stroke-dasharray:1 4;stroke-linecap:round}
.chart .base-line{stroke:var(--base);stroke-width:1.5;stroke-dasharray:6 4}
.chart .ladder-line,.chart .wait-line,.chart .loss-line{fill:none;stroke:var(--student);stroke-width:2;stroke-linejoin:round}
.chart .wait-line{stroke-dasharray:2 5;stroke-linecap:round}
.chart .rate-line{fill:none;stroke:var(--muted);stroke-width:1;stroke-dasharray:3 4}
.chart .loss-raw{fill:none;stroke:var(--student);stroke-opacity:.28;stroke-width:1}
.chart .other-line{fill:none;stroke:var(--muted);stroke-width:1.25;stroke-dasharray:4 3}
.chart .point-vote{fill:var(--muted);stroke:var(--paper);stroke-width:1.5}
.chart .point-rejection{fill:none;stroke:var(--muted);stroke-width:2.5;stroke-linecap:round}
.chart .whisker{fill:none;stroke:var(--student);stroke-width:1.25;stroke-opacity:.7}
.chart .point-cap,.chart .point-direct{fill:var(--paper);stroke:var(--student);stroke-width:2}
.chart .point-natural,.chart .point-wait{fill:var(--student);stroke:var(--paper);stroke-width:2}
.chart .label{font-size:13px;fill:var(--muted);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.chart .label-natural,.chart .label-wait{fill:var(--student);font-weight:600}
.chart .label-base{fill:var(--base);font-weight:600}`;

/** Style sheet of a chart that stands alone: follows the reader's light or dark setting. */
export const STANDALONE_CHART_STYLE = `.chart{${LIGHT_PALETTE}}.chart .card{fill:var(--paper)}
@media (prefers-color-scheme:dark){.chart{${DARK_PALETTE}}}
${CHART_STYLE}`;
