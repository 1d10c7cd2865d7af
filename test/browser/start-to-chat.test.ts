/** @file The demo, small but real, from its start to a word with its student: followed live in the page, then looked at in every view. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";
import { textWith } from "./read-page.ts";

const path = findChromium();
if (path === undefined) console.warn("SKIP the browser's tests: no Chromium found; name one in GRAPPA_CHROMIUM");

/** The demo's recipe with fewer of everything; too little to be right, enough to end by itself. */
const SETTINGS = [
  "collect.sources.0.count=150",
  "collect.sources.1.count=150",
  "select.count=64",
  // Some seconds on a quick machine too: the page must come in time to see it.
  "train.epochs=8",
  "evaluate.count=8",
  "evaluate.budgets=[16,64]",
];
const STAGES = ["collect", "attempt", "trace", "grade", "select", "tokenize", "train", "evaluate", "report"];
const FINISH_WITHIN_MS = 600_000;

const folder = mkdtempSync(join(tmpdir(), "grappa-start-to-chat-"));
const run = join(folder, "demo-0");
let demo: ChildProcess;
let told = "";
let server: UiServer;
let browser: Browser;

/** What the table of stages says now: `train running`, and so on. */
async function stagesOf(page: Page): Promise<ReadonlyMap<string, string>> {
  const rows = await page
    .locator(".stages tbody tr")
    .evaluateAll((lines) =>
      lines.map((line) => [line.querySelector("th")?.textContent ?? "", line.className] as const),
    );
  return new Map(rows);
}

/** Goes to a view by its key, as a reader does, and waits for what it shows. */
async function go(page: Page, key: string, part: string): Promise<void> {
  await page.keyboard.press("g");
  await page.keyboard.press(key);
  await page.locator(part).locator("visible=true").first().waitFor();
}

describe.skipIf(path === undefined)("a run of the demo in the page", () => {
  beforeAll(async () => {
    server = await startUi(folder);
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    demo?.kill("SIGKILL");
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("appears when it is started, and is followed to its end without loading the page again", async () => {
    const { page, faults } = await openUi(browser, server);
    await textWith(page, /no run/i);
    const sets = SETTINGS.flatMap((set) => ["--set", set]);
    demo = spawn(process.execPath, ["dist/cli/main.js", "run", "demo", "--run", run, ...sets], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    demo.stderr?.on("data", (data: Buffer) => (told += data.toString()));
    const ended = new Promise<number | null>((resolve) => demo.once("exit", resolve));
    await page.locator(".runs tbody tr", { hasText: "demo-0" }).getByText("running").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/demo-0\/overview$/);
    const seen = new Set<string>();
    const deadline = Date.now() + FINISH_WITHIN_MS;
    for (let isOver = false; !isOver && Date.now() < deadline; await page.waitForTimeout(100)) {
      const stages = await stagesOf(page);
      for (const [stage, status] of stages) seen.add(`${stage} ${status}`);
      const steps = await page.getByText(/^\d+ of \d+ steps$/).count();
      if (steps > 0) seen.add("steps of the training");
      isOver = stages.size > 0 && [...stages.values()].every((status) => status === "done");
    }
    expect(await ended, told).toBe(0);
    for (const stage of STAGES) expect(seen, told).toContain(`${stage} done`);
    // What comes before is over in seconds, and the list of runs looks every four.
    for (const stage of ["train", "evaluate"]) expect(seen).toContain(`${stage} running`);
    expect(seen).toContain("steps of the training");
    await page.locator("main").getByText("finished").first().waitFor();
    expect(await page.locator(".verdict").innerText()).toMatch(/\b8\s[^]*questions/);
    expect(await textWith(page, "Accuracy against thinking")).toMatch(
      /student\s+\d+\.\d\s%\s+\d+\.\d–\d+\.\d\s%, n\s=\s8/,
    );
    await page.locator(".chart-wide svg.chart").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  }, 900_000);

  it("is looked at in every view by keys, and ends in a talk with the student", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/demo-0/overview" });
    await page.locator(".chart-wide svg.chart").first().waitFor();
    await go(page, "f", ".stages-list .counts");
    expect(await page.locator("main").innerText()).toMatch(/64 kept/);
    await go(page, "a", "section.trace h2");
    expect(await page.locator("main > [role=status]").innerText()).toMatch(/^\d+ traces/);
    await page.keyboard.press("y");
    await page.getByText("selects it").waitFor();
    expect(existsSync(join(run, "triage.jsonl"))).toBe(true);
    await go(page, "t", "path.loss-line");
    expect(await page.locator("main").innerText()).toMatch(/steps of 16 examples, 8 epochs/);
    await go(page, "h", ".answers tbody tr");
    expect(await page.locator(".answers tbody tr").count()).toBe(8);
    await page.locator(".answers [data-row]").first().focus();
    await page.keyboard.press("Enter");
    await page.locator("article.answer").waitFor();
    await go(page, "c", "h1");
    await textWith(page, "There is no other finished run in this folder");
    await go(page, "m", ".ledger tbody tr");
    expect(await page.locator("main").innerText()).toMatch(/all of them were free/);
    await go(page, "s", ".ask textarea");
    await page.keyboard.press("i");
    await page.keyboard.press("Control+Enter");
    await page.locator('article.answer[aria-busy="false"]').waitFor();
    const reply = await page.locator("article.answer").innerText();
    expect(reply).toMatch(/\d+ thinking tokens, (cut|ended by itself); \d+ of answer; \d+ forced/);
    expect(faults).toEqual([]);
    await page.context().close();
  }, 300_000);
});
