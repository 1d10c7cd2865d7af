/** @file What a test reads of a page: its text, its width, and what axe finds. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The text of the page once it holds what is waited for. */
export async function textWith(page: Page, wanted: string | RegExp): Promise<string> {
  await page.locator("main").getByText(wanted).first().waitFor();
  return await page.locator("main").innerText();
}

/** What axe finds serious or critical: rule and place. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    interface Found {
      readonly violations: readonly { id: string; impact: string; nodes: readonly { target: readonly string[] }[] }[];
    }
    const { violations } = await (window as unknown as { axe: { run(): Promise<Found> } }).axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  });
}

/** How wide the page's content is, CSS pixels. */
export async function contentWidth(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth);
}
