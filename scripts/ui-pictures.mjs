// Pictures of every view of the page: node scripts/ui-pictures.mjs RUNS_DIR OUT RUN [--first A --second B] [--png] [--phone]
// RUN is shown; A and B, two runs of the same questions, in Compare. Light and dark, as WebP (--png: not shrunk), or as on a phone.
// Needs a build and a Chromium (GRAPPA_CHROMIUM, or /usr/bin/chromium). Those of docs/pictures: RUN of `grappa demo`.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    first: { type: "string" },
    second: { type: "string" },
    png: { type: "boolean", default: false },
    phone: { type: "boolean", default: false },
  },
});
const [runs, out, run] = positionals;
if (run === undefined) throw new Error("usage: node scripts/ui-pictures.mjs RUNS_DIR OUT RUN [--first A --second B]");
mkdirSync(out, { recursive: true });

const { first = run, second } = values;
const chart = ".chart-wide svg.chart, .chart-narrow svg.chart";
/** Where each picture is taken, what is there when it can be, and what is done before. */
const PICTURES = [
  { name: "runs", hash: "#/runs", ready: ".runs tbody tr" },
  { name: "overview", hash: `#/run/${run}/overview`, ready: chart },
  { name: "funnel", hash: `#/run/${run}/funnel?stage=select`, ready: ".sides .examples li" },
  { name: "traces", hash: `#/run/${run}/traces?state=selected`, ready: "section.trace h2", act: openXray },
  { name: "training", hash: `#/run/${run}/training`, ready: chart },
  { name: "thinking", hash: `#/run/${run}/thinking`, ready: ".answers tbody tr" },
  ...(second === undefined
    ? []
    : [{ name: "compare", hash: `#/run/${first}/compare?with=${second}`, ready: ".differences tbody tr" }]),
  { name: "money", hash: `#/run/${run}/money`, ready: ".ledger tbody tr" },
  { name: "chat", hash: `#/run/${run}/chat`, ready: ".ask textarea", act: ask },
];

async function openXray(page) {
  await page.keyboard.press("v");
  await page.locator(".xray .token").first().waitFor();
}

async function ask(page) {
  await page.getByLabel("three budgets side by side").check();
  await page.getByRole("button", { name: "ask" }).click();
  await page.locator('article.answer[aria-busy="false"]').nth(2).waitFor({ timeout: 300_000 });
}

const server = spawn(process.execPath, ["dist/cli/main.js", "ui", runs, "--port", "0", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const { address, url } = await new Promise((resolve, reject) => {
  server.stdout.once("data", (data) => resolve(JSON.parse(String(data))));
  server.once("exit", (code) => reject(new Error(`grappa ui ended with ${code}`)));
});
const browser = await chromium.launch({
  executablePath: process.env.GRAPPA_CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const viewport = values.phone ? { width: 390, height: 844 } : { width: 1200, height: 800 };
/** Longer pages are cut here, pixels. */
const MOST_PIXELS = 1250;
try {
  for (const colorScheme of ["light", "dark"]) await shoot(colorScheme);
} finally {
  await browser.close();
  server.kill("SIGTERM");
}

async function shoot(colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.on("console", (message) => console.log(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => console.log(`error: ${error.message}`));
  await page.goto(address);
  for (const { name, hash, ready, act } of PICTURES) {
    await page.goto(`${url}/${hash}`);
    await page.locator(ready).locator("visible=true").first().waitFor();
    await act?.(page);
    await page.evaluate(() => (document.activeElement?.blur(), scrollTo(0, 0)));
    await page.waitForTimeout(300);
    const whole = await page.evaluate(() => Math.ceil(document.querySelector("main").getBoundingClientRect().bottom));
    const clip = { x: 0, y: 0, width: viewport.width, height: Math.min(whole, MOST_PIXELS) };
    await keep(`${name}-${colorScheme}`, await page.screenshot({ clip, fullPage: true }));
  }
  await page.close();
}

/** Writes a picture, as WebP by the browser's own encoder. */
async function keep(name, png) {
  if (values.png) return writeFileSync(join(out, `${name}.png`), png);
  const page = await browser.newPage();
  const address = await page.evaluate(async (data) => {
    const image = Object.assign(new Image(), { src: `data:image/png;base64,${data}` });
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.82);
  }, png.toString("base64"));
  writeFileSync(join(out, `${name}.webp`), Buffer.from(address.split(",")[1], "base64"));
  await page.close();
}
