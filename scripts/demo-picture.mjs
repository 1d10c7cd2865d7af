// Writes docs/demo.svg, the README's picture, from a finished run: `node scripts/demo-picture.mjs runs/demo-0`.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFileSystem } from "../dist/adapters/file-system.js";
import { readResults } from "../dist/pipeline/render-report.js";
import { accuracyChartSvg } from "../dist/report/charts/accuracy-chart.js";
import { reportView } from "../dist/report/report-view.js";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node scripts/demo-picture.mjs RUN");
const results = await readResults(nodeFileSystem(), folder);
const out = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs", "demo.svg");
writeFileSync(out, accuracyChartSvg(reportView(results).sweep.chart));
console.log(out);
