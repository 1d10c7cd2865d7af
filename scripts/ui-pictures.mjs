// Pictures of every view of the page: node scripts/ui-pictures.mjs RUNS_DIR OUT [RUN]. Light and dark, wide and as on a phone.
// Needs a build and a Chromium (GRAPPA_CHROMIUM, or /usr/bin/chromium).
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [runs, out, wanted] = process.argv.slice(2);
if (runs === undefined || out === undefined) throw new Error("usage: node scripts/ui-pictures.mjs RUNS_DIR OUT [RUN]");
mkdirSync(out, { recursive: true });

const server = spawn(process.execPath, ["dist/cli/main.js", "ui", runs, "--port", "0", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const { address } = await new Promise((resolve, reject) => {
  server.stdout.once("data", (data) => resolve(JSON.parse(String(data))));
  server.once("exit", (code) => reject(new Error(`grappa ui ended with ${code}`)));
});
const browser = await chromium.launch({
  executablePath: process.env.GRAPPA_CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const SIZES = { wide: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
try {
  for (const colorScheme of ["light", "dark"])
    for (const [size, viewport] of Object.entries(SIZES)) await shoot({ colorScheme, size, viewport });
} finally {
  await browser.close();
  server.kill("SIGTERM");
}

async function shoot({ colorScheme, size, viewport }) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.on("console", (message) => console.log(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => console.log(`error: ${error.message}`));
  await page.goto(address);
  await page.waitForSelector(".runs tbody tr");
  const keep = (name) => page.screenshot({ path: join(out, `${name}-${size}-${colorScheme}.png`), fullPage: true });
  await keep("runs");
  await page.click(wanted === undefined ? ".runs [data-row]" : `.runs [data-row]:text-is("${wanted}")`);
  await page.waitForURL(/#\/run\//);
  await page.waitForSelector("nav .run-name", { state: "attached" }); // a phone hides it
  const links = await page.locator("nav .run-name ~ li a").evaluateAll((found) => found.map((link) => link.href));
  for (const link of links) {
    await page.goto(link);
    await page.waitForLoadState("domcontentloaded");
    await page.waitForTimeout(900); // live views never become idle
    await keep(link.split("/").at(-1));
  }
  await page.close();
}
