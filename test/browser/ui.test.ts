/** @file The page of `grappa ui` in a real browser: a real small run, one that goes on, and hostile ones. */
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeProcessTable } from "../../src/adapters/process-table.ts";
import { at, eventLines, TRAINING_EVENTS, writeFakeRun } from "../ui/fake-run.ts";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";
import { seriousFaults, textWith } from "./read-page.ts";

const path = findChromium();
if (path === undefined) console.warn("SKIP the browser's tests: no Chromium found; name one in GRAPPA_CHROMIUM");

const ATTACK = `<img src=x onerror="document.title='taken'"><script>document.title="taken"<!--\u202e`;
const HOSTILE = `bad '"<b> &amp; \u202erun`;
/** Views of a run, some opened further, and what is there when they are read. */
const VIEWS: readonly (readonly [string, string])[] = [
  ["overview", ".chart-wide svg.chart"],
  ["funnel", ".chart-wide svg.chart"],
  ["funnel?stage=select", ".examples li"],
  ["traces", "section.trace h2"],
  ["training?with=going", ".chart-wide svg.chart"],
  ["thinking", ".answers tbody tr"],
  ["compare?with=smoke-1", ".differences tbody tr"],
  ["money", ".ledger tbody tr"],
  ["chat", ".ask textarea"],
];

const folder = mkdtempSync(join(tmpdir(), "grappa-ui-"));
let server: UiServer;
let browser: Browser;

describe.skipIf(path === undefined)("the page of grappa ui", () => {
  beforeAll(async () => {
    const sets = ["select.count=32", "train.epochs=1", "evaluate.count=6"].flatMap((set) => ["--set", set]);
    const args = ["dist/cli/main.js", "run", "smoke", "--run", join(folder, "smoke-0"), ...sets];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    cpSync(join(folder, "smoke-0"), join(folder, "smoke-1"), { recursive: true });
    writeFakeRun(join(folder, "going"));
    writeFileSync(join(folder, "going", "lock.json"), JSON.stringify(nodeProcessTable().self));
    const warning = { at: at("10:00:41"), type: "warning" as const, note: ATTACK };
    writeFakeRun(join(folder, HOSTILE), { events: [...TRAINING_EVENTS, warning] });
    writeFakeRun(join(folder, "broken"));
    writeFileSync(join(folder, "broken", "run.json"), ATTACK);
    server = await startUi(folder);
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("lists every run with its score, n and interval, and wipes the token from the address", async () => {
    const { page, faults } = await openUi(browser, server);
    await page.locator(".runs tbody tr").first().waitFor();
    expect(page.url()).toBe(`${server.url}/#/runs`);
    const row = (name: string) => page.locator(".runs tbody tr").filter({ hasText: name });
    expect(await row("smoke-0").innerText()).toMatch(/finished[^]*9 of 9 done[^]*% \d+\.\d–\d+\.\d %, n = 6/);
    expect(await row("going").innerText()).toMatch(/running[^]*train, 30 of 100 steps/);
    expect(await row("broken").innerText()).toMatch(/unreadable/);
    await page.reload();
    await row("smoke-0").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows nothing to a tab without the token, and says what to do", async () => {
    const { page } = await openUi(browser, { ...server, address: `${server.url}/` });
    expect(await textWith(page, "the token is missing or wrong")).toContain(
      "open the address that `grappa ui` printed",
    );
    expect(await page.locator(".runs").count()).toBe(0);
    await page.context().close();
  });

  it("goes everywhere by keys alone, and lists them", async () => {
    const { page, faults } = await openUi(browser, server);
    await page.locator(".runs tbody tr").first().waitFor();
    const names = await page.locator("[data-row]").allInnerTexts();
    for (let at = 0; at <= names.indexOf("smoke-0"); at++) await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    expect(await textWith(page, "From questions to examples")).toContain("Accuracy against thinking");
    await page.locator(".chart-wide svg.chart").waitFor();
    for (const [key, hash] of [
      ["t", "training"],
      ["m", "money"],
      ["o", "overview"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.waitForURL(`${server.url}/#/run/smoke-0/${hash}`);
    }
    await page.keyboard.press("?");
    expect(await page.locator("dialog[open]").innerText()).toMatch(/next row[^]*Training/);
    await page.keyboard.press("Escape");
    expect(await page.locator("dialog[open]").count()).toBe(0);
    await page.keyboard.press("d");
    await page.keyboard.press("d");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(`${server.url}/#/runs`);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("draws the training, and other runs over it", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/smoke-0/training" });
    expect(await textWith(page, /steps of 16 examples/)).toMatch(/tokens a second, measured/);
    await page.getByLabel("going").check();
    await page.waitForURL(/training\?with=going$/);
    await page.locator("path.series-0:visible").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("follows a run while it goes on", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/going/overview" });
    await textWith(page, "30 of 100 steps");
    const progress = { type: "stage-progress" as const, stage: "train" as const, total: 100, unit: "steps" };
    const event = { ...progress, at: new Date().toISOString(), done: 77, note: "loss 0.4" };
    appendFileSync(join(folder, "going", "events.jsonl"), eventLines([event]));
    await textWith(page, "77 of 100 steps");
    expect(await textWith(page, "left; no finished run of this recipe tells")).toContain("running");
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("x-rays a trace that is trained on, with its loss mask", async () => {
    const stages = join(folder, "smoke-0", "stages");
    const tokenized = (await readdir(stages)).find((name) => name.startsWith("tokenize-")) ?? "";
    const [line = ""] = (await readFile(join(stages, tokenized, "examples.jsonl"), "utf8")).split("\n");
    const { traceId, labels } = JSON.parse(line) as { traceId: string; labels: number[] };
    const { page, faults } = await openUi(browser, server, { hash: `#/run/smoke-0/traces?q=${traceId}` });
    await page.locator("#trace-xray").waitFor();
    await page.keyboard.press("v");
    const trained = labels.filter((label) => label !== -100).length;
    expect(trained).toBeGreaterThan(5);
    await page.getByText(`${labels.length} tokens, ${trained} of them trained`).waitFor();
    expect(await page.locator(".xray .token").count()).toBe(labels.length);
    expect(await page.locator(".xray .untrained .token").count()).toBe(labels.length - trained);
    expect(await page.locator(".xray .xray-run.prompt").first().getAttribute("class")).toContain("untrained");
    expect(await page.locator(".xray .xray-run.thinking.untrained").count()).toBe(0);
    expect(await seriousFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows hostile names and texts as text, and runs nothing of them", async () => {
    const { page, faults } = await openUi(browser, server, {
      hash: `#/run/${encodeURIComponent(HOSTILE)}/overview`,
    });
    const shown = ATTACK.replaceAll("\u202e", "\ufffd");
    expect(await textWith(page, shown)).toContain(`bad '"<b> &amp; \ufffdrun`);
    expect(await page.locator("main img, main script, main b").count()).toBe(0);
    expect(await page.title()).not.toBe("taken");
    await page.goto(`${server.url}/#/run/broken/overview`);
    await textWith(page, "not JSON");
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("lets no text become markup but through its one policy", async () => {
    const { page } = await openUi(browser, server);
    const refused = await page.evaluate(() => {
      try {
        document.body.innerHTML = "<b>x</b>";
        return "";
      } catch (error) {
        return String(error);
      }
    });
    expect(refused).toContain("TrustedHTML");
    await page.context().close();
  });

  it.each(["light", "dark"] as const)("has no serious fault of accessibility, %s", async (colorScheme) => {
    const { page } = await openUi(browser, server, { colorScheme });
    await page.locator(".runs tbody tr").first().waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    for (const [view, part] of VIEWS) {
      await page.goto(`${server.url}/#/run/smoke-0/${view}`);
      await page.locator(part).first().waitFor();
      expect(await seriousFaults(page), view).toEqual([]);
    }
    await page.keyboard.press("?");
    expect(await seriousFaults(page), "keys").toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    expect(await seriousFaults(page), "save").toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "ask" }).click();
    await page.locator('article.answer[aria-busy="false"]').waitFor();
    expect(await seriousFaults(page), "a reply").toEqual([]);
    await page.context().close();
  });

  it("fits a phone", async () => {
    const { page, faults } = await openUi(browser, server, { viewport: { width: 390, height: 844 } });
    await page.locator(".runs tbody tr").first().waitFor();
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(390);
    for (const [view, part] of VIEWS) {
      await page.goto(`${server.url}/#/run/smoke-0/${view}`);
      await page.locator(part.replace("wide", "narrow")).first().waitFor();
      expect(await width(), view).toBeLessThanOrEqual(390);
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
