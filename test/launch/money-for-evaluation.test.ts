/** @file One budget for training and evaluation: what the evaluation may cost is not the training's to spend. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { openLab, trainedRun } from "./training-lab.ts";

let prepared: string;
const folders: string[] = [];
beforeAll(async () => {
  prepared = mkdtempSync(join(tmpdir(), "grappa-launch-"));
  folders.push(prepared);
  await trainedRun(prepared);
}, 60_000);
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

/** How a training ends that takes $3.44 of 8 GPUs at $3.60, under a cap. */
async function trainUnder(maxUsd: number, evaluate: object): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "grappa-lab-"));
  folders.push(folder);
  const lab = await openLab(folder, prepared);
  lab.recipe({}, { maxUsd, evaluate: { count: 4, budgets: [16], waits: [1], ...evaluate } }, { gpu: "H100" });
  return await lab.train().then(
    () => "trained",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

// The evaluation's forecast has two starts of 15 minutes at its slow end: $14.40, and half of what is left at most.
test("a training leaves half of a small cap to an evaluation by the launcher", async () => {
  expect(await trainUnder(5, { on: "embedded" })).toBe("trained");
  expect(await trainUnder(5, { on: "launcher" })).toBe("budget-exceeded");
  expect(await trainUnder(8, { on: "launcher" })).toBe("trained");
});

test("a training leaves what the evaluation's own cap says", async () => {
  expect(await trainUnder(5, { on: "launcher", maxUsd: 1 })).toBe("trained");
});
