/** @file What the page's server may do with a run, and that nobody but the page makes it: over sockets. */
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startDetached } from "../../src/adapters/start-detached.ts";
import type { ResumedRun, RunControlPorts } from "../../src/pipeline/page/run-switches.ts";
import type { RunOverview } from "../../src/report/page/run-overview.ts";
import { tinyRecipe } from "../tiny-student.ts";
import { ask } from "./ask.ts";
import { writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

let folder: string;
let server: ServedPage;
let started: ResumedRun[];
let interrupted: number[];
const control: RunControlPorts = {
  interrupt: ({ pid }) => {
    interrupted.push(pid);
    return "sent";
  },
  start: (run) => {
    started.push(run);
    return Promise.resolve({ pid: 4711, ended: Promise.resolve(0) });
  },
  outputOf: (run) => join(run, "resume.log"),
  commandOf: ({ folder: run }) => `grappa run ${run}`,
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-control-"));
  [started, interrupted] = [[], []];
  server = await servePage(folder, undefined, { ...control });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const OURS = { authorization: `Bearer ${TOKEN}` };
const post = async (path: string, headers: Record<string, string> = { ...OURS, origin: server.url }) =>
  await ask(`${server.url}/api/runs/${path}`, headers, "POST", "{}");
const overview = async (run: string) => (await ask(`${server.url}/api/runs/${run}`, OURS)).json() as RunOverview;

function writeRecipe(run: string, recipe: object): void {
  writeFakeRun(join(folder, run));
  writeFileSync(join(folder, run, "recipe.resolved.json"), JSON.stringify(recipe));
}

describe("money", () => {
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 1 };
  const teacher = { type: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1", model: "m", price };
  const launcher = { type: "torchrun", python: "python3" };

  test.each([
    ["a paid teacher", { maxUsd: 5, trace: { teacher } }],
    ["a launcher", { maxUsd: 5, train: { launcher } }],
  ])("a run that may spend is not resumed, with %s: the page has a command instead", async (_what, fields) => {
    writeRecipe("paid", { ...tinyRecipe("base"), ...fields });
    const wanted = { can: null, note: "may spend money: go on in a terminal, which asks" };
    expect((await overview("paid")).control).toEqual({ ...wanted, command: `grappa run ${join(folder, "paid")}` });
    const { status, json } = await post("paid/resume");
    expect([status, json()]).toEqual([
      400,
      { error: { code: "usage", message: wanted.note, hint: `type: grappa run ${join(folder, "paid")}` } },
    ]);
    expect(started).toEqual([]);
  });

  test.each([
    ["a cap of nothing", { maxUsd: 0, trace: { teacher } }],
    ["nobody asked", { maxUsd: 5 }],
  ])("a run that cannot spend is, with %s", async (_what, fields) => {
    writeRecipe("free", { ...tinyRecipe("base"), ...fields });
    expect((await overview("free")).control).toEqual({ can: "resume", note: null, command: null });
    expect((await post("free/resume")).json()).toEqual({ pid: 4711 });
    expect(started).toEqual([{ folder: join(folder, "free"), hasControls: false }]);
  });
});

test("a run that was begun with its controls goes on with them", async () => {
  writeRecipe("free", tinyRecipe("base"));
  const header = { schemaVersion: 1, run: "free", createdBy: "0.1.0", command: "grappa run x --seed 0 --controls" };
  writeFileSync(join(folder, "free/run.json"), JSON.stringify(header));
  await post("free/resume");
  expect(started).toEqual([{ folder: join(folder, "free"), hasControls: true }]);
});

test("a process is interrupted once, however often that is asked", async () => {
  writeFakeRun(join(folder, "going"), { isRunning: true });
  expect((await overview("going")).control).toEqual({ can: "pause", note: null, command: null });
  for (let place = 0; place < 3; place++) expect((await post("going/pause")).json()).toEqual({ pid: 99 });
  expect(interrupted).toEqual([99]);
  expect((await overview("going")).control).toEqual({ can: null, note: "pausing", command: null });
  expect((await post("going/resume")).json()).toMatchObject({ error: { message: "process 99 works on this run" } });
  expect(started).toEqual([]);
});

test("what works on another machine is left to it, and what has no recipe yet to its command", async () => {
  writeFakeRun(join(folder, "far"));
  writeFileSync(join(folder, "far/lock.json"), JSON.stringify({ pid: 99, host: "far.example", birth: "" }));
  expect((await overview("far")).control).toEqual({
    can: null,
    note: "works on far.example: pause it there",
    command: null,
  });
  writeFakeRun(join(folder, "early"));
  expect((await overview("early")).control).toMatchObject({ can: null, command: "grappa run x" });
  expect((await post("early/resume")).status).toBe(400);
  expect((await post("nobody/pause")).status).toBe(404);
});

test("nobody but the page pauses and resumes: token, Origin and method", async () => {
  writeFakeRun(join(folder, "going"), { isRunning: true });
  writeRecipe("free", tinyRecipe("base"));
  for (const path of ["going/pause", "free/resume"]) {
    expect((await post(path, OURS)).status).toBe(403);
    expect((await post(path, { ...OURS, origin: "http://evil.example" })).status).toBe(403);
    expect((await post(path, { ...OURS, origin: server.url, host: "evil.example" })).status).toBe(403);
    expect((await post(path, { ...OURS, origin: server.url, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await post(path, { origin: server.url })).status).toBe(401);
    expect((await ask(`${server.url}/api/runs/${path}`, OURS)).status).toBe(404);
  }
  expect([interrupted, started]).toEqual([[], []]);
});

test("a link where the output goes is not followed", async () => {
  const [mine, output, program] = ["mine.txt", "resume.log", "say.mjs"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(mine, "a letter");
  writeFileSync(program, "console.log(process.argv[2]); console.error('and this'); process.exitCode = 3;");
  symlinkSync(mine, output);
  const { ended } = await startDetached(program, ["--json"], output);
  expect(await ended).toBe(3);
  expect(readFileSync(mine, "utf8")).toBe("a letter");
  expect(lstatSync(output).isSymbolicLink()).toBe(false);
  expect(readFileSync(output, "utf8")).toBe("--json\nand this\n");
  expect(existsSync(output)).toBe(true);
});
