/** @file A base student on the hub: pinned to its commit, described without its weights, whole only where this machine computes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { readModelFolder, readTokenizerFolder } from "../../src/adapters/model-folder.ts";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { nodeProcessTable } from "../../src/adapters/process-table.ts";
import { AppError } from "../../src/core/errors.ts";
import { bringBaseWeights, withHubBase } from "../../src/pipeline/hub-base.ts";
import { findBase, type LoadedRecipe, loadRecipe, recipeSeenFrom } from "../../src/pipeline/load-recipe.ts";
import { describeJobBase } from "../../src/pipeline/open-launched.ts";
import { openRun } from "../../src/pipeline/run-folder.ts";
import { tinyRecipe, writeTinyStudent } from "../tiny-student.ts";
import { FAKE_COMMIT, type FakeHub, refuse, startFakeHubOf } from "./fake-hub.ts";

let model: Record<string, Buffer>;
let source: string;
let folder: string;
let hub: FakeHub;
beforeAll(async () => {
  source = mkdtempSync(join(tmpdir(), "grappa-hub-model-"));
  await writeTinyStudent(source);
  model = Object.fromEntries(readdirSync(source).map((name) => [name, readFileSync(join(source, name))]));
});
afterAll(() => rmSync(source, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-hub-base-"));
  hub = await startFakeHubOf({ "made/student": model });
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const access = () => ({ cacheFolder: join(folder, "cache"), endpoint: hub.endpoint, token: "hf_0123456789abcdef" });
const asked = (): string[] => hub.seen.map(({ path }) => path);
const NAMED = `hf:made/student@${FAKE_COMMIT}`;

async function load(
  base: string,
  train: object = { launcher: { type: "torchrun" } },
  recorded?: LoadedRecipe["recipe"],
): Promise<LoadedRecipe> {
  const path = join(folder, "recipe.json");
  const tiny = tinyRecipe(base) as { train: object };
  writeFileSync(path, JSON.stringify({ ...tiny, train: { ...tiny.train, ...train } }));
  const ports = {
    fs: nodeFileSystem(),
    importDefault: () => Promise.reject(new Error("no")),
    packageFolder: ".",
    workingFolder: folder,
  };
  return await withHubBase(await loadRecipe(path, [], ports), access(), recorded);
}

test("a branch is pinned to its commit, in the run's recipe too, and no weights are asked for", async () => {
  const loaded = await load("hf:made/student@main");
  expect(loaded.recipe.student.base).toBe(NAMED);
  expect(recipeSeenFrom(join(folder, "run"), loaded).student.base).toBe(NAMED);
  expect((await readTokenizerFolder(loaded.baseFolder)).tokenizer.vocabularySize).toBeGreaterThan(256);
  expect(asked().filter((path) => path.includes("safetensors"))).toEqual([]);
  expect(asked()).toContain("/api/models/made/student/revision/main");
  expect(asked()).toContain(`/made/student/resolve/${FAKE_COMMIT}/config.json`);
});

test("a run goes on with the commit that it recorded, whatever its branch stands for by now", async () => {
  const { recipe } = await load("hf:made/student@main");
  await hub.close();
  const moved = "d0d0".padEnd(40, "0");
  hub = await startFakeHubOf({ "made/student": model, "made/other": model }, ({ path }, response) => {
    if (path.includes("/revision/")) response.writeHead(200).end(JSON.stringify({ id: "made/student", sha: moved }));
    return path.includes("/revision/");
  });
  expect((await load("hf:made/student@main", undefined, recipe)).recipe.student.base).toBe(NAMED);
  expect((await load("hf:made/student@main")).recipe.student.base).toBe(`hf:made/student@${moved}`);
  // What a recipe names by itself is not overruled.
  expect((await load(`hf:made/student@${moved}`, undefined, recipe)).recipe.student.base).not.toBe(NAMED);
  expect((await load("hf:made/other@main", undefined, recipe)).recipe.student.base).toBe(`hf:made/other@${moved}`);
});

test("another commit in a run's folder is another recipe, and asks for --update", async () => {
  const { recipe } = await load(NAMED);
  const base = `hf:made/student@${"d0d0".padEnd(40, "0")}`;
  const open = async (student: typeof recipe.student, mayChange = false) => {
    const options = { folder: join(folder, "run"), version: "0", command: "grappa run x", mayChange, isFresh: false };
    const lock = await openRun(nodeFileSystem(), nodeProcessTable(), { ...options, recipe: { ...recipe, student } });
    await lock.release();
  };
  await open(recipe.student);
  const changed = { code: "run-changed", data: { changes: ["student.base"] } };
  await expect(open({ ...recipe.student, base })).rejects.toMatchObject(changed);
  await open({ ...recipe.student, base }, true);
});

test("a commit that is in the cache needs no network, and is found by who looks at the run later", async () => {
  const { baseFolder } = await load(NAMED);
  const before = asked().length;
  expect((await load(NAMED)).baseFolder).toBe(baseFolder);
  expect(asked()).toHaveLength(before);
  const ports = { fs: nodeFileSystem(), packageFolder: ".", cacheFolder: access().cacheFolder };
  expect(await findBase(NAMED, "/elsewhere", ports)).toEqual({ baseFolder, isBuiltinBase: true });
});

test("for the embedded engine the weights come too", async () => {
  const loaded = await load(NAMED, {});
  await bringBaseWeights(loaded.recipe, access());
  expect((await readModelFolder(loaded.baseFolder)).config.layers).toBe(2);
});

test("what outputs depend on is the commit, with weights here or without", async () => {
  const loaded = await load(NAMED);
  const without = await describeJobBase(nodeFileSystem(), loaded.recipe, loaded.baseFolder);
  await bringBaseWeights(loaded.recipe, access());
  expect(await describeJobBase(nodeFileSystem(), loaded.recipe, loaded.baseFolder)).toBe(without);
});

test.each([
  ["hf:made/student", "usage"],
  ["hf:student@main", "recipe-invalid"],
  ["hf:made/student@main:config.json", "recipe-invalid"],
  ["hf:made/other@main", "file-missing"],
])("%s is refused (%s)", async (base, code) => {
  const error: unknown = await load(base).catch((cause: unknown) => cause);
  expect(error instanceof AppError ? error.code : error).toBe(code);
});

test("a gated model names its page, and not one of a data set", async () => {
  await hub.close();
  hub = await startFakeHubOf({ "made/student": model }, (_seen, response) => refuse(response, 403, "GatedRepo"));
  const error: unknown = await load("hf:made/student@main").catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "file-denied", data: { page: `${hub.endpoint}/made/student` } });
});

test("a model without a tokenizer.json is told to be none", async () => {
  await hub.close();
  const { "tokenizer.json": _, ...rest } = model;
  hub = await startFakeHubOf({ "made/student": rest });
  const error: unknown = await load("hf:made/student@main").catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "model-missing", data: { missing: "tokenizer.json" } });
});
