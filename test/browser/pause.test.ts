/** @file Pause and resume in a real browser, by keys: a real small run, and one that only a terminal may go on with. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyRecipe, writeTinyStudent } from "../tiny-student.ts";
import { writeFakeRun } from "../ui/fake-run.ts";
import { endRun } from "../ui/ui-process.ts";
import { findChromium } from "./find-chromium.ts";
import { openUi, startUi, type UiServer } from "./open-ui.ts";
import { seriousFaults, textWith } from "./read-page.ts";

const path = findChromium();
const folder = mkdtempSync(join(tmpdir(), "grappa-pause-"));
const args = (run: string) => [resolve("dist/cli/main.js"), "run", "recipe.json", "--run", `runs/${run}`];
let server: UiServer;
let browser: Browser;

/** Waits until the run trains: it may be paused at any time, but there nothing is quick enough to be over before. */
async function startRun(): Promise<void> {
  spawn(process.execPath, args("small"), { cwd: folder, stdio: "ignore" });
  for (let tries = 0; tries < 600; tries++) {
    await sleep(100);
    try {
      if (readFileSync(join(folder, "runs/small/events.jsonl"), "utf8").includes('"stage":"train"')) return;
    } catch {
      // not begun yet
    }
  }
  throw new Error("the run does not train");
}

async function focusRow(page: Page, name: string): Promise<void> {
  await page.locator(".runs tbody tr").first().waitFor();
  const names = await page.locator("[data-row]").allInnerTexts();
  for (let at = 0; at <= names.indexOf(name); at++) await page.keyboard.press("j");
}

describe.skipIf(path === undefined)("pause and resume by keys", () => {
  beforeAll(async () => {
    await writeTinyStudent(join(folder, "base"));
    const recipe = { ...tinyRecipe("base"), train: { epochs: 200, batchSize: 4, checkpointEverySteps: 20 } };
    writeFileSync(join(folder, "recipe.json"), JSON.stringify(recipe));
    const teacher = { type: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1", model: "m" };
    const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 1 };
    const paid = { ...tinyRecipe("base"), maxUsd: 5, trace: { teacher: { ...teacher, price } } };
    writeFakeRun(join(folder, "runs/paid"));
    writeFileSync(join(folder, "runs/paid/recipe.resolved.json"), JSON.stringify(paid));
    await startRun();
    server = await startUi(join(folder, "runs"));
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    endRun(join(folder, "runs/small"));
    rmSync(folder, { recursive: true, force: true });
  });

  it("pauses the run of a row, goes on with it, and pauses it in its overview; keys are listed", async () => {
    const { page, faults } = await openUi(browser, server);
    const row = page.locator(".runs tbody tr").filter({ hasText: "small" });
    await focusRow(page, "small");
    expect(await row.getByRole("button").innerText()).toBe("Pause");
    await page.keyboard.press("p");
    await row.getByText("stopped").waitFor();
    await row.getByRole("button", { name: "Resume small" }).waitFor();
    await page.keyboard.press("p");
    await row.getByText("running").waitFor();
    await row.getByRole("button", { name: "Pause small" }).waitFor();
    await page.keyboard.press("?");
    expect(await page.locator("dialog[open]").innerText()).toMatch(/pause the run of this row, or go on with it/);
    await page.keyboard.press("Escape");
    await page.goto(`${server.url}/#/run/small/overview`);
    await page.getByRole("button", { name: "Pause small" }).waitFor();
    await page.keyboard.press("p");
    await page.getByRole("button", { name: "Resume small" }).waitFor();
    expect(await textWith(page, "Stages")).toMatch(/stopped/);
    const again = spawnSync(process.execPath, [...args("small"), "--plan"], { cwd: folder, encoding: "utf8" });
    expect(again.stdout).toMatch(/train +to go on/);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("has no button for a run that may spend, and the command for a terminal instead", async () => {
    const { page, faults } = await openUi(browser, server, { hash: "#/run/paid/overview" });
    await textWith(page, "may spend money: go on in a terminal, which asks");
    const run = join(folder, "runs/paid");
    expect(await page.locator(".switch .command").innerText()).toBe(
      `grappa run ${run}/recipe.resolved.json --run ${run}`,
    );
    expect(await page.getByRole("button", { name: /Resume|Pause/ }).count()).toBe(0);
    await page.keyboard.press("p");
    expect(await page.locator("[role=alert]").count()).toBe(0);
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
