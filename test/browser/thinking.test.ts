/** @file Thinking, Compare and Chat in a real browser, over a real small run whose evaluation has one hostile answer. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Completion } from "../../src/schema/records.ts";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";
import { contentWidth, seriousFaults, textWith } from "./read-page.ts";

const path = findChromium();
if (path === undefined) console.warn("SKIP the browser's tests: no Chromium found; name one in GRAPPA_CHROMIUM");

const ATTACK = `<img src=x onerror="document.title='taken'"><script>document.title="taken"</script>\u202e${"y".repeat(1_000_000)}`;
const folder = mkdtempSync(join(tmpdir(), "grappa-thinking-"));
const VIEW = "#/run/smoke-0/thinking";
let server: UiServer;
let browser: Browser;
let hostile: Completion;

/** The completions of a run's evaluation, changed by `change`. */
function rewrite(run: string, change: (rows: readonly Completion[]) => readonly Completion[]): void {
  const stages = join(folder, run, "stages");
  const stage = readdirSync(stages).find((name) => name.startsWith("evaluate-"));
  const file = join(stages, stage ?? "", "completions.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const rows = change(lines.map((line) => JSON.parse(line) as Completion));
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** The first answer of the student's natural end. */
function firstNatural(rows: readonly Completion[]): Completion {
  const most = Math.max(...rows.map(({ setting }) => setting.budgetTokens));
  const isNatural = ({ model, setting: { budgetTokens, waits } }: Completion): boolean =>
    model === "student" && budgetTokens === most && waits === 0;
  return rows.find(isNatural)!;
}

/** Makes that answer's thinking an attack, and in a second run its verdict another. */
function poison(): Completion {
  cpSync(join(folder, "smoke-0"), join(folder, "other"), { recursive: true });
  rewrite("other", (rows) => {
    const found = firstNatural(rows);
    const outcome = found.grade.outcome === "correct" ? "incorrect" : "correct";
    return rows.map((row) => (row === found ? { ...row, grade: { ...row.grade, outcome } } : row));
  });
  let poisoned: Completion | undefined;
  rewrite("smoke-0", (rows) => {
    poisoned = firstNatural(rows);
    return rows.map((row) => (row === poisoned ? { ...row, thinking: ATTACK } : row));
  });
  return poisoned!;
}

describe.skipIf(path === undefined)("the views of answers", () => {
  beforeAll(async () => {
    const sets = ["select.count=32", "train.epochs=1", "evaluate.count=6"].flatMap((set) => ["--set", set]);
    const args = ["dist/cli/main.js", "run", "smoke", "--run", join(folder, "smoke-0"), ...sets];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    hostile = poison();
    server = await startUi(folder);
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("opens the answers behind a point, one of them, and the same question at another budget, all by keys", async () => {
    const { page, faults } = await openUi(browser, server, { hash: VIEW });
    const points = page.locator(".chart-wide svg a");
    await points.first().waitFor();
    expect(await page.locator(".chart-wide svg").innerHTML()).toContain("s1-32B 93.0 %, published");
    await points.last().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/thinking\?at=student%2Fthink/);
    // The list of before stays until its own is there, and goes with whatever has the focus.
    const at = new URLSearchParams(page.url().split("?").at(-1)).get("at");
    await expect.poll(() => page.getByLabel("model and setting").inputValue()).toBe(at);
    await textWith(page, /6 answers\. Enter opens one/);
    await expect.poll(() => page.locator("main").innerText()).toMatch(/right \([^)]*, n = 6\)/);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("answers");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/question=/);
    await textWith(page, "1 of 6");
    await page.keyboard.press("n");
    await textWith(page, "2 of 6");
    const choice = page.getByLabel("beside the same question at");
    await choice.selectOption({ index: 1 });
    expect(await textWith(page, "Where the thoughts part")).toMatch(/words? (is|are) the same|They are the same/);
    expect(await page.locator("article.answer").count()).toBe(2);
    expect(await seriousFaults(page)).toEqual([]);
    await page.keyboard.press("u");
    await textWith(page, /6 answers/);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("keeps the focus in a field while what was chosen there is read", async () => {
    const { page, faults } = await openUi(browser, server, { hash: VIEW });
    const choice = page.getByLabel("model and setting");
    await choice.waitFor();
    const heading = page.locator("h2#answers");
    await choice.focus();
    for (const key of ["ArrowUp", "ArrowUp", "ArrowDown"]) {
      const before = await heading.innerText();
      await page.keyboard.press(key);
      await expect.poll(() => heading.innerText()).not.toBe(before);
      expect(await heading.innerText()).toBe(`Answers: ${await choice.locator("option:checked").innerText()}`);
      expect(await choice.evaluate((field) => field === document.activeElement)).toBe(true);
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("marks what was forced", async () => {
    const { page, faults } = await openUi(browser, server, { hash: VIEW });
    await page.locator(".chart-wide svg a").first().waitFor();
    const budgets = page.getByLabel("model and setting").locator("option", { hasText: "student, cut at" });
    await page.getByLabel("model and setting").selectOption((await budgets.first().getAttribute("value"))!);
    const row = page.locator(".answers tbody tr", { has: page.locator('td:text-is("cut")') });
    await row.first().getByRole("link").click();
    await page.locator("article.answer mark").first().waitFor();
    expect(await page.locator("article.answer mark").allInnerTexts()).toContain("Final Answer: ");
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows hostile thinking as text, cut and wrapped, and runs nothing of it", async () => {
    const { page, faults } = await openUi(browser, server, { viewport: { width: 390, height: 844 } });
    await page.goto(`${server.url}/${VIEW}?question=${hostile.questionId}`);
    const text = await textWith(page, /800,\d+ characters more/);
    expect(text).toContain(`<img src=x onerror="document.title='taken'">`);
    expect(text).not.toContain("\u202e");
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).not.toBe("taken");
    expect(await contentWidth(page)).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it.each(["light", "dark"] as const)("is accessible and fits a phone, %s", async (colorScheme) => {
    const { page, faults } = await openUi(browser, server, { colorScheme, hash: VIEW });
    await page.locator(".answers tbody tr").first().waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await contentWidth(page)).toBeLessThanOrEqual(390);
    expect(await seriousFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("compares two runs, and opens a question that was won or lost, by keys", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/smoke-0/compare" });
    await page.getByLabel("with").selectOption("other");
    await page.waitForURL(/compare\?with=other$/);
    expect(await textWith(page, /not distinguishable at 6 questions/)).toMatch(/(Won: 1|Lost: 1)/);
    expect(await seriousFaults(page)).toEqual([]);
    await page.locator(".compared a").first().focus();
    await page.keyboard.press("Enter");
    expect(await textWith(page, "Where the thoughts part")).toContain("One question, in both runs");
    expect(await page.locator("article.answer").count()).toBe(2);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await contentWidth(page)).toBeLessThanOrEqual(390);
    await page.keyboard.press("u");
    await textWith(page, /wrong in both/);
    expect(await contentWidth(page)).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("talks to the student: thinking dimmed, forced words marked, three budgets side by side, all by keys", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/smoke-0/chat" });
    await page.getByLabel("question", { exact: true }).waitFor();
    await page.getByLabel("Waits").focus();
    await page.keyboard.press("ArrowRight");
    await page.getByLabel("three budgets side by side").focus();
    await page.keyboard.press("Space");
    await page.getByLabel("thinking budget 2").press("Home");
    await page.keyboard.press("i");
    await page.keyboard.press("Control+Enter");
    const replies = page.locator("article.answer");
    await page.locator('article.answer[aria-busy="false"]').nth(2).waitFor();
    const texts = await replies.allInnerTexts();
    expect(texts.map((text) => text.split(",")[0])).toEqual(["8 tokens", expect.anything(), "to its natural end"]);
    for (const text of texts)
      expect(text).toMatch(/\d+ thinking tokens, (cut|ended by itself); \d+ of answer; \d+ forced/);
    expect(await page.locator("article.answer mark").allInnerTexts()).toContainEqual(expect.stringContaining("Wait"));
    expect(await page.locator(".dimmed .reply-text").count()).toBe(3);
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await contentWidth(page)).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("gives up a reply when its view is left, and answers the next", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/smoke-0/chat" });
    const field = page.getByLabel("question", { exact: true });
    await field.fill(ATTACK.slice(0, 200));
    await page.getByRole("button", { name: "ask" }).click();
    await page.goto(`${server.url}/#/run/smoke-0/money`);
    await textWith(page, "settled");
    await page.goto(`${server.url}/#/run/smoke-0/chat`);
    await page.getByRole("button", { name: "ask" }).click();
    await page.locator('article.answer[aria-busy="false"]').waitFor();
    expect(await page.locator("article.answer").innerText()).toMatch(/of answer/);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
