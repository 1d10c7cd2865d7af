/** @file `recipes/s1`: planned offline, and its questions collected from a fake hub over HTTP. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { type LoadedRecipe, loadRecipe } from "../src/pipeline/load-recipe.ts";
import { planCost } from "../src/pipeline/plan-cost.ts";
import { readPlanFacts } from "../src/pipeline/plan-facts.ts";
import type { SourcePorts } from "../src/pipeline/sources/read-source.ts";
import { readSources } from "../src/pipeline/sources/read-sources.ts";
import { siftQuestions } from "../src/pipeline/stages/sift-questions.ts";
import { type FakeHub, startFakeHubOf } from "./hub/fake-hub.ts";
import { makeS1Pool, MEAN_THINKING_TOKENS } from "./s1-pool.ts";

const ROOT = join(import.meta.dirname, "..");
/** s1's Table 7: n by source, in the order of its pipeline. */
const TABLE: readonly [string, number][] = [
  ["simplescaling/openaimath", 11_999],
  ["GAIR/OlympicArena", 4_250],
  ["TIGER-Lab/TheoremQA", 747],
  ["AI-MO/NuminaMath-CoT", 30_660],
  ["KbsdJames/Omni-MATH", 4_238],
  ["OpenDFM/SciEval", 227],
  ["Hothan/OlympiadBench", 896],
  ["daman1209arora/jeebench", 515],
  ["baber/agieval", 2_385],
  ["simplescaling/s1-prob", 182],
  ["Idavidrein/gpqa", 348],
  ["0xharib/xword1", 999],
  ["codegenning/usacobench_formatted", 519],
  ["simplescaling/s1-teasers", 23],
  ["livecodebench/code_generation_lite", 151],
  ["qq8933/AIME_1983_2024", 890],
];

let folder: string;
let loaded: LoadedRecipe;
let hub: FakeHub;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-s1-"));
  const importDefault = (): Promise<unknown> => Promise.reject(new Error("no module"));
  loaded = await loadRecipe("s1", [], {
    fs: nodeFileSystem(),
    packageFolder: ROOT,
    workingFolder: folder,
    importDefault,
  });
  hub = await startFakeHubOf(makeS1Pool(loaded.recipe));
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

const ports = (seed = 42): SourcePorts => ({
  recipeFolder: folder,
  hub: { cacheFolder: join(folder, "cache"), endpoint: hub.endpoint },
  signal: new AbortController().signal,
  seed,
  strict: true,
});

describe("recipes/s1", () => {
  test("is planned offline with the paper's 59,029 questions, and says what it needs from the network", async () => {
    const facts = await readPlanFacts(nodeFileSystem(), {
      recipe: loaded.recipe,
      recipeFolder: join(ROOT, "recipes/s1"),
      baseFolder: folder,
      runFolder: join(folder, "none"),
      planned: [],
      now: new Date("2026-11-29T12:00:00Z"),
    });
    const plan = planCost(loaded.recipe, facts);
    expect(plan.questions).toBe(59_029);
    expect(plan.warnings).toEqual([]);
    expect(plan.hubData).toContain("hf:Idavidrein/gpqa@refs/convert/parquet:gpqa_diamond/train");
    expect(new Set(plan.hubData.map((one) => one.slice(3).split("@")[0])).size).toBe(19); // s1's 16, a list, and two benchmarks; the third is a source too
    expect(hub.seen).toEqual([]);
  });

  test("holds the paper's sources in their order, with a licence noted for each", () => {
    const counts = new Map<string, number>();
    for (const source of loaded.recipe.collect.sources) {
      if (source.type !== "hub") throw new Error("not of the hub");
      counts.set(source.id, (counts.get(source.id) ?? 0) + (source.expectedCount ?? 0));
      expect(source.licence).toEqual(expect.any(String));
      expect(source.holdOut).toBe(false);
      expect(MEAN_THINKING_TOKENS[source.id]).toBeGreaterThan(0);
    }
    expect([...counts]).toEqual(TABLE);
  });

  test("collects 59,029 questions from a hub that holds more", async () => {
    const warnings: string[] = [];
    const watch = { onProgress: () => undefined, warn: (text: string) => void warnings.push(text) };
    const { found, heldOut, bad, readings } = await readSources(loaded.recipe, ports(), watch);
    expect(warnings).toEqual([]);
    expect({ bad: bad.length, heldOut: heldOut.length }).toEqual({ bad: 0, heldOut: 0 });
    const counts = new Map<string, number>();
    for (const { metadata } of found)
      counts.set(String(metadata.sourceName), (counts.get(String(metadata.sourceName)) ?? 0) + 1);
    expect([...counts]).toEqual(TABLE);
    expect(new Set(found.map(({ id }) => id)).size).toBe(59_029);
    for (const { rows, filtered, repeated, bad: broken, notSampled, overCount, questions } of readings)
      expect(filtered + repeated + broken + notSampled + overCount + questions).toBe(rows);
    const byName = (name: string) => found.filter(({ metadata }) => metadata.sourceName === name);
    expect(byName("codegenning/usacobench_formatted").every(({ answer }) => answer === null)).toBe(true);
    expect(
      byName("Idavidrein/gpqa").every(
        ({ answer, text }) => /^[A-D]$/.test(answer ?? "") && text.includes("\nAnswer Choices:\n(A) "),
      ),
    ).toBe(true);
    expect(byName("0xharib/xword1").every(({ text }) => text.startsWith("Solve this crossword clue."))).toBe(true);
    expect(byName("OpenDFM/SciEval").some(({ text }) => text.includes("Answer:"))).toBe(false);
    const parts = new Set(byName("AI-MO/NuminaMath-CoT").map(({ metadata }) => metadata.part));
    expect(parts).toEqual(new Set(["aops_forum", "another"]));
  });

  test("is sifted as s1 did: nothing shares eight words with the benchmarks, and what has no reference goes", async () => {
    const watch = { onProgress: () => undefined, warn: () => undefined };
    const read = await readSources(loaded.recipe, ports(), watch);
    const { kept, dropped, funnel, curation } = await siftQuestions(read, loaded.recipe.curate, ports());
    expect(curation?.decontamination?.notChecked).toEqual([]);
    expect(curation?.decontamination?.checked.map(({ task, questions }) => [task, questions])).toEqual([
      ["held-out", 0],
      ["aime24", 30],
      ["math500", 500],
      ["gpqa-diamond", 198],
    ]);
    expect(kept.length + dropped.length).toBe(59_029);
    expect(funnel.flatMap(({ reasons }) => Object.entries(reasons))).toEqual([["no-reference", 519 + 151]]);
  });

  test("its comments hold no address of a person's machine, and no key", async () => {
    const text = await readFile(join(ROOT, "recipes/s1/recipe.json"), "utf8");
    expect(text).not.toMatch(/\/(home|Users|work)\/|hf_[A-Za-z0-9]{8}|sk-/);
  });
});
