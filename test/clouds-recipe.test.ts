/** @file `recipes/clouds`: its recipe is one, and what the files beside it say agrees with it and with the dated prices. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import { GPU_PRICES } from "../src/ledger/dated-prices.ts";
import { Recipe } from "../src/schema/recipe.ts";

const text = (name: string): string => readFileSync(join(import.meta.dirname, "../recipes/clouds", name), "utf8");
const recipe = Recipe.parse(parse(text("recipe.json")));
const launcher = recipe.train.launcher;
if (launcher?.type !== "ray") throw new Error("the recipe's launcher is not ray");

describe("recipes/clouds", () => {
  test("is s1's training, one worker a GPU", () => {
    const { epochs, batchSize, learningRate, lossReduction, weightDecay, beta1, beta2, method } = recipe.train;
    expect({ epochs, batchSize, learningRate, lossReduction, weightDecay, beta1, beta2, method }).toEqual({
      epochs: 5,
      batchSize: 16,
      learningRate: 1e-5,
      lossReduction: "example",
      weightDecay: 1e-4,
      beta1: 0.9,
      beta2: 0.95,
      method: "full",
    });
    expect(launcher.gpusPerWorker).toBe(1);
    expect(batchSize % launcher.workers).toBe(0);
  });

  test.each(["skypilot.yaml", "runpod.sh"])("%s makes the cluster that the recipe asks for", (file) => {
    const lines = text(file);
    expect(lines).toMatch(new RegExp(`(accelerators: H100:|--gpuCount )${launcher.workers}\\b`));
    const port = new URL(launcher.address).port;
    expect(lines).toContain(`-L ${port}:127.0.0.1:8265`);
    expect(lines).toContain("--dashboard-host 127.0.0.1");
    expect(lines).toContain(launcher.storage);
    expect(lines).toContain("RAY_DEDUP_LOGS=0");
    expect(lines).toContain('"ray[default,train]==2.58.0"');
  });

  test("prices are those of the dated table", () => {
    const h100 = (provider: string): string[] =>
      GPU_PRICES.filter((one) => one.gpu === "H100" && one.provider === provider).flatMap(({ perHour }) =>
        perHour.map((micro) => (Math.floor(micro / 10_000) / 100).toFixed(2)),
      );
    const [community, secure] = h100("RunPod");
    expect(launcher.gpuUsdPerHour).toBe(Number(secure));
    for (const file of ["skypilot.yaml", "runpod.sh"]) {
      expect(text(file)).toContain(`$${community}`);
      expect(text(file)).toContain(`$${secure}`);
    }
    expect(text("README.md")).toContain(
      `$${(2 * Number(community)).toFixed(2)} to $${(2 * Number(secure)).toFixed(2)}`,
    );
  });

  test("the shell lines are such", () => {
    const run = (script: string) => spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
    expect(run(text("runpod.sh")).stderr).toBe("");
    const blocks = [...text("skypilot.yaml").matchAll(/^(?:setup|run): \|\n((?: {2}.*\n|\n)+)/gm)].map(
      ([, block]) => block,
    );
    expect(blocks).toHaveLength(2);
    for (const block of blocks) expect(run((block ?? "").replace(/^ {2}/gm, "")).stderr).toBe("");
  });
});
