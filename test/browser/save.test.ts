/** @file Saving a view and its charts in a real browser, and opening the files where nothing answers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { traceId, writeTracedRun } from "../ui/fake-traces.ts";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";
import { contentWidth, seriousFaults } from "./read-page.ts";

const path = findChromium();
const ATTACK = `<img src=x onerror="document.title='taken'"><script>document.title="taken"</script></style>\u202e`;

const folder = mkdtempSync(join(tmpdir(), "grappa-ui-save-"));
let server: UiServer;
let browser: Browser;

/** Presses the key, chooses what is called so, and gives the file. */
async function save(page: Page, name: RegExp): Promise<{ file: string; text: string; suggested: string }> {
  await page.keyboard.press("e");
  const button = page.locator("dialog.save").getByRole("button", { name });
  await button.focus();
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  const suggested = download.suggestedFilename();
  const file = join(folder, suggested);
  await download.saveAs(file);
  return { file, suggested, text: readFileSync(file, "utf8") };
}

/** Opens a file in a browser that is cut off, and notes whatever it asks for or complains of. */
async function openFile(file: string): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const faults: string[] = [];
  const address = pathToFileURL(file).href;
  page.on("console", (message) => faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== address) faults.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, faults };
}

describe.skipIf(path === undefined)("what is saved of the page", () => {
  beforeAll(async () => {
    await writeTracedRun(join(folder, "runs", "a-run"), 400, (place) =>
      place === 0 ? { question: ATTACK, thinking: `$\\frac{1}{2}$ ${ATTACK}`, answer: ATTACK } : {},
    );
    server = await startUi(join(folder, "runs"));
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("saves a view as HTML that stands alone, and what is hostile in it stays text", async () => {
    const { page } = await openUi(browser, server, { hash: "#/run/a-run/traces" });
    await page.locator("section.trace h2", { hasText: traceId(0) }).waitFor();
    await page.locator("section.trace math").first().waitFor();
    const { file, text, suggested } = await save(page, /HTML/);
    expect(suggested).toBe("grappa-a-run-Traces.html");
    expect(text).not.toContain(server.address.split("#token=")[1]);
    expect(text).not.toMatch(/<script|<img|<link|https?:\/\/(?!www\.w3\.org\/)/);
    const saved = await openFile(file);
    const shown = await saved.page.locator("main").innerText();
    expect(shown).toContain(ATTACK.replaceAll("\u202e", "\ufffd"));
    expect(shown).toContain("400 traces");
    expect(await saved.page.title()).toBe("a-run · Traces · Grappa");
    expect(await saved.page.locator("math mfrac").count()).toBeGreaterThan(0);
    expect(await saved.page.locator(".virtual-row").count()).toBeGreaterThan(10);
    // It looks as the page does: the panel's colour is the page's own.
    const colour = (where: Page) => where.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await colour(saved.page)).toBe(await colour(page));
    expect(await seriousFaults(saved.page)).toEqual([]);
    await saved.page.setViewportSize({ width: 390, height: 844 });
    expect(await contentWidth(saved.page)).toBeLessThanOrEqual(390);
    expect(saved.faults).toEqual([]);
    await saved.page.context().close();
    await page.context().close();
  });

  it("saves a chart as SVG in the colours of light paper, also out of the dark", async () => {
    const { page } = await openUi(browser, server, { hash: "#/run/a-run/funnel", colorScheme: "dark" });
    await page.locator(".chart-wide svg.chart").first().waitFor();
    const { file, text, suggested } = await save(page, /Domains of selected and dropped traces, SVG/);
    expect(suggested).toBe("grappa-a-run-Funnel-Domains-of-selected-and-dropped-traces.svg");
    expect(text).not.toContain("var(");
    const saved = await openFile(file);
    const colours = await saved.page.evaluate(() => {
      const fillOf = (part: string) => getComputedStyle(document.querySelector(part)!).fill;
      return [fillOf(".paper"), fillOf(".paired-selected")];
    });
    expect(colours).toEqual(["rgb(253, 252, 249)", "rgb(91, 53, 148)"]);
    expect(saved.faults).toEqual([]);
    await saved.page.context().close();
    await page.context().close();
  });

  it("is found by a button and listed among the keys", async () => {
    const { page, faults } = await openUi(browser, server);
    await page.locator(".runs tbody tr").first().waitFor();
    await page.keyboard.press("?");
    expect(await page.locator("dialog[open]").innerText()).toMatch(/save what is shown/);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "save", exact: true }).click();
    expect(await page.locator("dialog.save button").allInnerTexts()).toEqual(["this view, HTML", "Close"]);
    expect(await seriousFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
