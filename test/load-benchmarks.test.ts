/** @file Benchmarks that the hub does not give: what a token would open stops the run, what is not there is named. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { loadBenchmarks } from "../src/pipeline/stages/load-benchmarks.ts";
import { type FakeHub, refuse, startFakeHub } from "./hub/fake-hub.ts";

let hub: FakeHub;
afterEach(() => hub.close());

const RULES = { ngram: 8, against: [{ task: "gpqa-diamond", data: "hf:made/set@main:gpqa.csv" }] };

async function load(status: number, code: string) {
  hub = await startFakeHub({}, (_seen, response) => refuse(response, status, code));
  const recipeFolder = await mkdtemp(join(tmpdir(), "grappa-benchmarks-"));
  const access = { cacheFolder: join(recipeFolder, "cache"), endpoint: hub.endpoint };
  try {
    return await loadBenchmarks(RULES, { recipeFolder, signal: new AbortController().signal, hub: access });
  } finally {
    await rm(recipeFolder, { recursive: true });
  }
}

test("a gated one stops the run: collected without it, questions would stay unchecked once there is a token", async () => {
  await expect(load(403, "GatedRepo")).rejects.toMatchObject({ code: "file-denied" });
});

test("one that is not there is named as not checked", async () => {
  expect(await load(404, "RepoNotFound")).toMatchObject({ checked: [], notChecked: [{ task: "gpqa-diamond" }] });
});
