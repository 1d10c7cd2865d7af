/** @file The view of traces in a real browser: thousands of rows, search, triage by keys, and hostile texts. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { traceId, writeTracedRun } from "../ui/fake-traces.ts";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";

const path = findChromium();
const COUNT = 5000;
const ATTACK = `<img src=x onerror="document.title='taken'"><script>document.title="taken"</script>\u202e \\href{javascript:alert(1)}{x}`;
const FORMULAS = "$x^2$ $\\fcolorbox{red}{blue}{y}$ $\\href{javascript:alert(1)}{z}$ $\\frac{broken$ $5 and $6";

const folder = mkdtempSync(join(tmpdir(), "grappa-ui-traces-"));
let server: UiServer;
let browser: Browser;

const detail = (page: Page) => page.locator("section.trace");
const status = (page: Page) => page.locator("main > [role=status]");
const open = (hash = "#/run/a-run/traces") => openUi(browser, server, { hash });
const opened = async (page: Page, place: number) =>
  await detail(page)
    .locator("h2", { hasText: traceId(place) })
    .waitFor();
const told = () =>
  readFileSync(join(folder, "a-run", "triage.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { traceId: string; decision?: string; note?: string });

describe.skipIf(path === undefined)("the traces of a run", () => {
  beforeAll(async () => {
    await writeTracedRun(join(folder, "a-run"), COUNT, (place) => {
      if (place === 1) return { question: ATTACK, thinking: ATTACK, answer: ATTACK };
      if (place === 2) return { question: FORMULAS, thinking: "```python\ndef f(x):\n    return '<b>'\n```" };
      return place === 3 ? { thinking: `${"\u202ez".repeat(1 << 19)} end` } : {};
    });
    server = await startUi(folder);
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("holds only the rows in sight, and goes to the last by keys", async () => {
    const { page, faults } = await open();
    await opened(page, 0);
    expect(await status(page).innerText()).toMatch(/^5,000 traces \(0\.1 MB of questions indexed in \d/);
    expect(await page.locator(".virtual-row").count()).toBeLessThan(60);
    await page.keyboard.press("l");
    await page.keyboard.press("End");
    await opened(page, COUNT - 1);
    expect(await page.locator('[aria-selected="true"]').innerText()).toContain("What is 4999 plus 4999?");
    expect(await page.locator(".virtual-row").count()).toBeLessThan(60);
    await page.keyboard.press("k");
    await opened(page, COUNT - 2);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("searches in questions and in thinking", async () => {
    const { page, faults } = await open();
    await opened(page, 0);
    await page.keyboard.press("/");
    await page.keyboard.type("what 4321");
    await opened(page, 4321);
    expect(await status(page).innerText()).toMatch(/^1 of 5,000 traces/);
    await page.getByLabel("search in").selectOption("thinking");
    await page.locator("#trace-search").fill("is 8642,");
    await page.getByText("1 found in the thinking of 5,000 of 5,000 traces").waitFor();
    expect(await page.locator(".virtual-row").innerText()).toContain("4321 and 4321 is 8642, step 4321");
    await page.reload();
    await page.getByText("1 found in the thinking of 5,000 of 5,000 traces").waitFor();
    await page.getByLabel("search in").selectOption("");
    await page.locator("#trace-search").fill("");
    await page.getByLabel("show").selectOption("selected");
    await page.getByText("1,250 of 5,000 traces").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("keeps, drops, takes back and notes by keys alone, each written at once", async () => {
    const { page, faults } = await open();
    await opened(page, 0);
    await page.keyboard.press("x");
    await page.getByText("leaves it out").waitFor();
    await page.keyboard.press("j");
    await opened(page, 1);
    await page.keyboard.press("y");
    await page.getByText("selects it, unless no student can learn from it or its question was too easy").waitFor();
    await page.keyboard.press("n");
    // What would be keys elsewhere is text here.
    await page.keyboard.type("xyj? <b>");
    await page.keyboard.press("Escape");
    await page.getByText("written, 8 characters").waitFor();
    expect(told().slice(0, 2)).toMatchObject([
      { traceId: traceId(0), decision: "drop" },
      { traceId: traceId(1), decision: "keep" },
    ]);
    expect(told().at(-1)).toMatchObject({ traceId: traceId(1), note: "xyj? <b>" });
    // A note is written also when the next trace is opened in the same moment.
    await page.keyboard.press("n");
    await page.keyboard.type("!");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await opened(page, 2);
    await expect.poll(() => told().at(-1)?.note).toBe("xyj? <b>!");
    await page.keyboard.press("k");
    await opened(page, 1);
    expect(await page.locator("#trace-note").inputValue()).toBe("xyj? <b>!");
    await page.keyboard.press("u");
    await page.getByText("as the recipe selects").waitFor();
    expect(await page.locator(".virtual-row").first().innerText()).toContain("dropped by hand");
    await page.keyboard.press("?");
    expect(await page.locator("dialog[open]").innerText()).toMatch(/keep: the next selection takes it/);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("draws formulas and colours code, and none of it leads anywhere", async () => {
    const { page, faults } = await open();
    await opened(page, 0);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await opened(page, 2);
    await detail(page).locator("math").nth(2).waitFor();
    expect(await detail(page).locator("math msup").count()).toBe(1);
    expect(await detail(page).locator("a, [style]").count()).toBe(0);
    await detail(page).locator(".hl-keyword", { hasText: "def" }).waitFor();
    expect(await detail(page).locator("pre b").count()).toBe(0);
    expect(await detail(page).innerText()).toContain("$5 and $6");
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows hostile texts as text, and a line of a megabyte in its place", async () => {
    const { page, faults } = await openUi(browser, server, {
      hash: "#/run/a-run/traces",
      viewport: { width: 390, height: 844 },
    });
    await opened(page, 0);
    await page.keyboard.press("j");
    await opened(page, 1);
    expect(await detail(page).innerText()).toContain(ATTACK.replaceAll("\u202e", "\ufffd"));
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).not.toBe("taken");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await opened(page, 3);
    await page.getByRole("button", { name: "show 180,000 characters more" }).click();
    await page.getByText("848,580 characters more are not shown").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("opens a stage of the funnel by keys, with what went and why beside what was selected", async () => {
    const { page, faults } = await open("#/run/a-run/funnel");
    await page.locator("svg.chart:visible").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Dropped: not-drawn" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Dropped: not-correct" }).waitFor();
    await page.getByText("12 of 1,250").first().waitFor();
    expect(await page.locator(".sides > div").last().innerText()).toMatch(/^Selected[^]*What is 4 plus 4\?/);
    await page.getByRole("link", { name: "all of them in Traces" }).click();
    await page.getByText("1,250 of 5,000 traces").waitFor();
    await page.getByTitle("show every reason").click();
    await page.getByText(/^5,000 traces/).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("says so where a decision could not be written", async () => {
    const { page } = await open();
    await opened(page, 0);
    await page.route("**/triage", (route) => route.abort());
    await page.keyboard.press("y");
    await page.getByRole("alert").getByText("the server does not answer").waitFor();
    expect(await page.getByText("selects it").count()).toBe(0);
    await page.context().close();
  });
});
