/**
 * @file Every fault of the list through the command line: it is named with its value and a hint, it decides the
 * exit status, and once it is mended the same command goes on. `kill-run.test.ts` has those that need a real process or
 * device: `kill -9`, Ctrl-C, a full tmpfs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeServices } from "../src/cli/services.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { folderBytes } from "./folder-bytes.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

let machine: FakeMachine;
let base: string;
beforeEach(async () => {
  machine = await fakeMachine(nodeServices);
  base = join(machine.folder, "base");
  await writeTinyStudent(base);
  await writeRecipe({});
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const writeRecipe = (changes: object): Promise<void> =>
  writeFile(join(machine.folder, "recipe.json"), JSON.stringify({ ...tinyRecipe("base"), ...changes }, null, 1));

/** How `grappa run` failed, as a script sees it. */
async function failure(...args: string[]): Promise<{ code: string; message: string; hint: string; exitCode: number }> {
  const { stdout, exitCode } = await machine.run("run", "--json", ...args);
  const { error } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as {
    error: { code: string; message: string; hint: string };
  };
  return { ...error, exitCode };
}

async function editJson(name: string, changes: object): Promise<void> {
  const path = join(base, name);
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, "utf8")) as object), ...changes }));
}

const AGAIN = /^copy /;

test.each([
  ["a missing model", () => rm(base, { recursive: true }), "model-missing", "base: ", /check student.base/],
  ["no weights", () => rm(join(base, "model.safetensors")), "model-missing", "model.safetensors", /^save the model/],
  ["no config", () => rm(join(base, "config.json")), "model-missing", "config.json", /whole model/],
  ["weights cut short", () => truncate(join(base, "model.safetensors"), 1000), "checkpoint-corrupt", "base", AGAIN],
  ["other weights", () => writeFile(join(base, "model.safetensors"), "none"), "checkpoint-corrupt", "base", AGAIN],
  ["another shape", () => editJson("config.json", { hidden_size: 64 }), "checkpoint-corrupt", "64", /one model$/],
  ["half a tokenizer", () => writeFile(join(base, "tokenizer.json"), "{"), "tokenizer-corrupt", "not JSON", AGAIN],
  ["no pieces", () => writeFile(join(base, "tokenizer.json"), "{}"), "tokenizer-corrupt", "tokenizer.json", AGAIN],
  ["no template", () => rm(join(base, "chat_template.jinja")), "tokenizer-corrupt", "no chat template", AGAIN],
  [
    "a broken template",
    () => writeFile(join(base, "chat_template.jinja"), "{% for %}"),
    "tokenizer-corrupt",
    "chat template",
    AGAIN,
  ],
])("%s fails by name, before anything is written; mended, it runs", async (_fault, damage, code, part, hint) => {
  await damage();
  const error = await failure();
  expect(error).toMatchObject({ code, exitCode: 4 });
  expect(error.message).toContain(part);
  expect(error.message).toContain("HERE/base");
  expect(error.hint).toMatch(hint);
  expect(readdirSync(machine.folder)).not.toContain("runs");
  await writeTinyStudent(base);
  expect((await machine.run("run", "--until", "collect")).exitCode).toBe(0);
});

describe("a teacher that cannot be asked is noticed before anything runs", () => {
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 4 };
  const teacher = { type: "openai-compatible", baseUrl: "https://api.example.org/v1", model: "large" };

  test.each([
    [
      { ...teacher, price, apiKeyEnv: "LARGE_KEY" },
      "usage",
      2,
      "the environment variable LARGE_KEY is not set",
      /^set LARGE_KEY/,
    ],
    [teacher, "recipe-invalid", 3, 'no price is known for model "large"', /^give its price/],
    [
      { ...teacher, price, maxTokens: 10_000 },
      "budget-exceeded",
      7,
      "one reply of 10000 tokens from openai-compatible/large may cost $0.04, and maxUsd allows $0.00",
      /^raise maxUsd/,
    ],
    [
      { ...teacher, price, baseUrl: "ftp://x/v1" },
      "recipe-invalid",
      3,
      "not a plain http(s) URL",
      /^write it as https/,
    ],
  ])("%j", async (asked, code, exitCode, part, hint) => {
    const terms = ["--accept-terms", new URL(asked.baseUrl).hostname];
    await writeRecipe({ maxUsd: code === "budget-exceeded" ? 0 : 1, trace: { teacher: asked } });
    const error = await failure(...terms);
    expect(error).toMatchObject({ code, exitCode });
    expect(error.message).toContain(part);
    expect(error.hint).toMatch(hint);
    expect(readdirSync(machine.folder)).not.toContain("runs");
    const plan = await machine.run("run", "--plan", ...terms);
    expect(plan.exitCode).toBe(0);
    expect(plan.stdout).toContain(`trace cannot run yet: ${error.message}\nhint: `);
    expect((await machine.run("run", "--until", "collect")).exitCode).toBe(0);
  });
});

test("an unknown recipe key fails with its place and what is near, before anything is written; mended, it runs", async () => {
  await writeRecipe({ train: { epoch: 3 }, selct: {} });
  expect(await failure()).toMatchObject({
    code: "recipe-invalid",
    exitCode: 3,
    message: expect.stringMatching(/train\.epoch: unknown key \(did you mean epochs\?\)\n.*selct: .*select/),
    hint: expect.stringContaining("docs/recipe.md"),
  });
  await writeRecipe({});
  expect(await failure("--set", "train.epoch=3")).toMatchObject({
    code: "recipe-invalid",
    exitCode: 3,
    message: "--set train.epoch: no such field",
    hint: "did you mean train.epochs?",
  });
  expect(readdirSync(machine.folder)).not.toContain("runs");
  expect((await machine.run("run", "--until", "collect")).exitCode).toBe(0);
});

describe("a checkpoint that cannot be trusted stops the run by name; without it, training begins anew:", () => {
  const stages = (): string => join(machine.folder, "runs/tiny-0/stages");
  const trainFolder = (): string =>
    join(stages(), readdirSync(stages()).find((name) => name.startsWith("train-")) ?? "");

  test("a pointer cut short", async () => {
    // The key of the training stage is known once it has run; its output is then taken for that of a killed try.
    await machine.run("run", "--until", "train");
    const [train, expected] = [trainFolder(), join(machine.folder, "expected")];
    await cp(train, expected, { recursive: true });
    await rm(join(train, "manifest.json"));
    await mkdir(join(train, "work/checkpoint"), { recursive: true });
    await writeFile(join(train, "work/checkpoint/checkpoint.json"), '{"schemaVersion":1,"step":');
    const error = await failure();
    expect(error).toMatchObject({ code: "checkpoint-corrupt", exitCode: 4 });
    expect(error.message).toMatch(/train-.*checkpoint\.json: not a checkpoint of this version$/);
    expect(error.hint).toMatch(/^delete .*checkpoint to train this stage from its start$/);
    await rm(join(train, "work/checkpoint"), { recursive: true });
    expect((await machine.run("run")).exitCode).toBe(0);
    expect(folderBytes(train)).toEqual(folderBytes(expected));
  });

  test("one flipped bit in the weights of an interrupted training", async () => {
    await writeRecipe({ train: { epochs: 12, batchSize: 4, checkpointEverySteps: 5 } });
    await machine.run("run", "--until", "tokenize");
    const watch = setInterval(() => {
      if (existsSync(join(trainFolder(), "work/checkpoint/checkpoint.json"))) machine.interrupt();
    }, 5);
    const stopped = await failure();
    clearInterval(watch);
    expect(stopped).toMatchObject({ code: "interrupted", exitCode: 130, hint: expect.stringContaining("goes on") });
    const checkpoint = join(trainFolder(), "work/checkpoint");
    const name = readdirSync(checkpoint).find((file) => file.endsWith(".safetensors")) ?? "";
    const bytes = await readFile(join(checkpoint, name));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    await writeFile(join(checkpoint, name), bytes);
    const error = await failure();
    expect(error).toMatchObject({ code: "checkpoint-corrupt", exitCode: 4 });
    expect(error.message).toContain(`${name} does not have the recorded hash`);
    await rm(checkpoint, { recursive: true });
    expect((await machine.run("run", "--until", "train")).exitCode).toBe(0);
  });
});

test("a full disk fails by name and keeps what is done; with room, the same command goes on", async () => {
  const small = await fakeMachine();
  small.isFull = (path) => /stages.grade-/.test(path);
  const full = await small.run("demo");
  expect(full.exitCode).toBe(5);
  expect(full.stderr).toMatch(
    /error: HERE.runs.demo-0.stages.grade-\w+.rows\.jsonl: no space left on the device\nhint: free some space and run the same/,
  );
  expect((await small.run("status", "demo-0")).stdout).toMatch(/trace +done.*\ngrade +failed .*disk-full/);
  small.isFull = () => false;
  const after = await small.run("demo");
  expect(after.exitCode).toBe(0);
  expect(after.stderr).toMatch(/^done before: collect, attempt, trace\ngrade +done in/);
  await rm(small.folder, { recursive: true });
});

test("nothing left to train on fails with the reasons, instead of training on nothing", async () => {
  const error = await failure("--until", "select", "--set", "select.maxThinkingTokens=1");
  expect(error).toMatchObject({ code: "recipe-invalid", exitCode: 3, hint: expect.stringContaining("loosen select") });
  expect(error.message).toMatch(/^there is nothing to train on: all \d+ traces were dropped \(.* \d+\)$/);
  const mended = await machine.run("run", "--until", "select", "--update");
  expect(mended.stderr).toContain("done before: collect, attempt, trace, grade\nselect    done in");
  expect(mended.exitCode).toBe(0);
});

async function holdPort(): Promise<{ holder: Server; port: number }> {
  const holder = createServer();
  await new Promise<void>((resolve_) => holder.listen(0, "127.0.0.1", resolve_));
  return { holder, port: (holder.address() as { port: number }).port };
}

test("a teacher's port that is taken fails by number and keeps what is done; freed, or with another, the run goes on", async () => {
  const { holder, port } = await holdPort();
  await writeRecipe({ trace: { teacher: { type: "builtin", latencyMs: 0, port } } });
  const taken = await failure("--until", "trace");
  expect(taken).toMatchObject({ code: "port-taken", exitCode: 5 });
  expect(taken.message).toContain(`port ${port} on 127.0.0.1`);
  expect(taken.hint).toContain("trace.teacher.port");
  const another = await machine.run("run", "--until", "trace", "--set", "trace.teacher.port=0");
  expect(another.stderr).toContain("done before: collect, attempt\n");
  expect(another.exitCode).toBe(0);
  await new Promise((resolve_) => holder.close(resolve_));
  const freed = await machine.run("run", "--until", "trace", "--from", "trace");
  expect(freed.stderr).toContain("done before: collect, attempt\ntrace");
  expect(freed.exitCode).toBe(0);
});

test("without threads, or on one, a run finishes with the same bytes, and says so", async () => {
  await writeRecipe({ train: { epochs: 1, batchSize: 4 } });
  expect((await machine.run("run", "--run", "two")).exitCode).toBe(0);
  expect((await machine.run("run", "--run", "one", "--threads", "1")).exitCode).toBe(0);
  // A host where no worker thread can be had.
  const preload = join(machine.folder, "no-threads.cjs");
  await writeFile(
    preload,
    `require("node:worker_threads").Worker = class { constructor() { throw new Error("no threads here"); } };
     require("node:module").syncBuiltinESMExports();`,
  );
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--require", preload, resolve("dist/cli/main.js"), "run", "--run", "none"],
    { cwd: machine.folder, encoding: "utf8" },
  );
  expect(stderr).toContain("no worker threads: the engine runs on the main thread");
  expect(status).toBe(0);
  const [two, one, none] = ["two", "one", "none"].map((run) => folderBytes(join(machine.folder, run, "stages")));
  expect(one).toEqual(two);
  expect(none).toEqual(two);
});
