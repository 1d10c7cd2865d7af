/** @file The page of `grappa xray --html` in a real browser, opened from its file: a thousand rows, some of them hostile. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { visibleText } from "../../src/report/plain-text.ts";
import type { XrayRow } from "../../src/tokenize/xray.ts";
import { pageFormat, pageOf, pageRow } from "../xray-rows.ts";
import { findChromium } from "./find-chromium.ts";

const path = findChromium();
if (path === undefined) console.warn("SKIP the browser's tests: no Chromium found; name one in GRAPPA_CHROMIUM");

const ATTACK = `</script><script>document.title="taken"</script><img src=x onerror="document.title='taken'">&amp;\u202e`;
const HOSTILE = { question: `Say ${ATTACK} twice`, thinking: `${ATTACK}\n`.repeat(3), answer: ATTACK };
/** About 5,000 tokens with Qwen3's fixture. */
const LONG = "so the value of x is 12, and 12 + 30 = 42. Wait, let me check that again.\n".repeat(150);

const work = mkdtempSync(join(tmpdir(), "grappa-xray-"));
const file = join(work, "x.html");
let rows: XrayRow[];
let browser: Browser;

/** A page of the file, and all that went wrong or out while it was open. */
async function openPage(hash = "", viewport = { width: 1280, height: 850 }): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ viewport });
  const faults: string[] = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (!/^(data:|file:.*x\.html)/.test(request.url())) faults.push(`request: ${request.url()}`);
  });
  await page.goto(`${pathToFileURL(file).href}${hash}`);
  return { page, faults };
}

/** The row's tokens as they stand on the page. */
const shownTokens = (page: Page) =>
  page
    .locator("#xray-tokens span")
    .evaluateAll((spans) => spans.map((span) => ({ text: span.textContent, marks: span.className.split(" ") })));

describe.skipIf(path === undefined)("the page", () => {
  beforeAll(async () => {
    const long = pageRow(0, { question: "How long?", thinking: LONG, answer: "42" });
    rows = Array.from({ length: 1000 }, (_, place) => ({
      ...long,
      questionId: `question${place}`,
      traceId: `trace${place}`,
      question: `Question number ${place}?`,
    }));
    rows[700] = pageRow(700, HOSTILE);
    rows[701] = pageRow(701, { question: "Fails?", thinking: "1", answer: "2" }, (labels) => labels.map(() => 5));
    rows[702] = pageRow(702, { question: "How very long?", thinking: LONG.repeat(3), answer: "42" });
    writeFileSync(file, pageOf(rows));
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(work, { recursive: true, force: true });
  });

  it("opens on the first row, with a thousand rows in few elements", async () => {
    const { page, faults } = await openPage();
    expect(await page.locator("#xray-found").textContent()).toBe("1,000 of 1,000 rows");
    expect(await page.locator(".item").count()).toBeLessThan(40);
    expect(await page.locator("#xray-row").textContent()).toBe("Row 1");
    const tokens = await shownTokens(page);
    expect(tokens).toHaveLength(rows[0]!.inputIds.length);
    expect(tokens.length).toBeGreaterThan(4000);
    const text = pageFormat.tokenizer.decode(rows[0]!.inputIds);
    expect(tokens.map((token) => token.text).join("")).toBe(text.replaceAll("\n", "⏎\n"));
    expect(faults).toEqual([]);
    await page.close();
  });

  it("colours every token by its role, and tells what is trained", async () => {
    const { page } = await openPage("#trace3");
    const tokens = await shownTokens(page);
    const expected = rows[3]!.spans.flatMap(({ role, from, to }) => Array.from({ length: to - from }, () => role));
    expect(tokens.map(({ marks }) => marks[0])).toEqual(expected);
    expect(tokens.map(({ marks }) => !marks.includes("untrained"))).toEqual(
      rows[3]!.labels.map((label) => label !== -100),
    );
    await page.locator("#xray-tokens span").first().hover();
    expect(await page.locator("#xray-pointed").textContent()).toBe(
      `position 0 · id ${rows[3]!.inputIds[0]} · prompt · not trained`,
    );
    await page.close();
  });

  it("finds rows by question and by id, far down the list too", async () => {
    const { page } = await openPage();
    await page.fill("#xray-search", "number 98");
    expect(await page.locator("#xray-found").textContent()).toBe("20 of 1,000 rows");
    await page.fill("#xray-search", "TRACE987");
    expect(await page.locator(".item .text").allTextContents()).toEqual(["Question number 987?"]);
    await page.click(".item");
    expect(await page.locator("#xray-facts").textContent()).toContain("question question987 · trace trace987");
    expect(page.url()).toMatch(/#trace987$/);
    await page.fill("#xray-search", "");
    await page.locator("#xray-list").focus();
    await page.keyboard.press("End");
    expect(await page.locator("#xray-row").textContent()).toBe("Row 1000");
    expect(await page.locator('.item[aria-selected="true"]').textContent()).toContain("number 999");
    await page.keyboard.press("ArrowUp");
    expect(await page.locator("#xray-row").textContent()).toBe("Row 999");
    await page.close();
  });

  it("shows hostile text as text, and runs nothing of it", async () => {
    const { page, faults } = await openPage("#trace700");
    const tokens = await shownTokens(page);
    const text = visibleText(pageFormat.tokenizer.decode(rows[700]!.inputIds)).replaceAll("\n", "⏎\n");
    // The bytes of U+202E are tokens of their own, shown as such.
    expect(
      tokens
        .map((token) => token.text)
        .join("")
        .replaceAll("<e2><80><ae>", "\ufffd"),
    ).toBe(text);
    expect(await page.title()).toBe("X-ray of a-run · Grappa");
    expect(await page.locator("img, .shown script").count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("picks out the rows that fail a gate, and says what is wrong", async () => {
    const { page } = await openPage();
    await page.selectOption("#xray-filter", "prompt-in-loss");
    expect(await page.locator("#xray-found").textContent()).toBe("1 of 1,000 rows");
    await page.click(".item.faulty");
    expect((await page.locator("#xray-faults li").allTextContents())[0]).toBe(
      "prompt-in-loss: position 0 of the prompt is trained",
    );
    await page.close();
  });

  it("writes a very long row in parts", async () => {
    const { page } = await openPage("#trace702");
    const total = rows[702]!.inputIds.length;
    const more = page.locator("#xray-more");
    expect(await shownTokens(page)).toHaveLength(6000);
    while (await more.isVisible()) await more.click();
    expect(await shownTokens(page)).toHaveLength(total);
    await page.close();
  });

  it("fits a phone", async () => {
    const { page, faults } = await openPage("", { width: 390, height: 800 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.close();
  });
});
