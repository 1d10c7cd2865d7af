import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { sizeByParameters } from "../src/ledger/training-forecast.ts";
import { trainingWays } from "../src/ledger/training-shop.ts";
import { checkRecipe } from "../src/pipeline/check-recipe.ts";
import { overrideRecipe, parseOverride } from "../src/pipeline/override-recipe.ts";
import { parseRecipeText } from "../src/pipeline/recipe-text.ts";

const text = await readFile(resolve("docs/training.md"), "utf8");
const rows = [...text.matchAll(/^\| ([\d.]+)B(, LoRA)? \| (\d+) x (\S+) \| (.+) GiB \| (.+) \| (.+) at (.+) \|$/gm)];

describe("docs/training.md", () => {
  test("has its table of prices", () => expect(rows).toHaveLength(6));

  test.each(rows.map((row) => row.slice(1)))(
    "%sB%s on %s x %s: memory, hours and dollars are what is forecast",
    (billions, lora, gpus, gpu, memory, hours, dollars, provider) => {
      const work = {
        method: lora ? "lora" : "full",
        tokens: [25e6, 25e6],
        meanLength: 6500,
        longest: 16_384,
        microBatch: 1,
        gradientCheckpointing: true,
      } as const;
      const ways = trainingWays(sizeByParameters(Number(billions) * 1e9), work, undefined);
      const way = ways.find((one) => one.name === provider && one.gpu === gpu && one.gpus === Number(gpus));
      const range = ([low, high]: readonly [number, number], write: (value: number) => string): string =>
        `${write(low)} to ${write(high)}`;
      expect({
        memory: range(way!.neededBytes, (bytes) => (bytes / 2 ** 30).toFixed(0)),
        hours: range(way!.hours, (value) => value.toFixed(1)),
        dollars: range(way!.microUsd, (value) => `$${(value / 1e6).toFixed(2)}`),
      }).toEqual({ memory, hours, dollars });
    },
  );

  test("each command's recipe is one, with what it sets", async () => {
    const commands = [...text.matchAll(/^ {4}grappa run (clouds|fifty-dollars)(.*)$/gm)];
    expect(commands.length).toBeGreaterThanOrEqual(7);
    for (const [, name, rest] of commands) {
      const json = await readFile(resolve(`recipes/${name}/recipe.json`), "utf8");
      const set = [...rest!.matchAll(/--set (?:'([^']+)'|(\S+))/g)].map((one) => parseOverride((one[1] ?? one[2])!));
      expect(checkRecipe(overrideRecipe(parseRecipeText(json).value, set), { name: name! }).name).toBe(name);
    }
  });
});
