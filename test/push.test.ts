/** @file A run's data set to a hub over HTTP: nothing before --yes, nothing twice, and no token anywhere but at the hub. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startWritableHub, VERIFY, type WritableHub, WRITE_TOKEN, type WriteRequest } from "./hub/fake-hub-writes.ts";

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");
let folder: string;
let hub: WritableHub;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], token: string | undefined): { child: ChildProcess; done: Promise<Ended> } {
  const env = { PATH: process.env.PATH, ...(hub && { HF_ENDPOINT: hub.endpoint }), ...(token && { HF_TOKEN: token }) };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return { child, done: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}

const PUSH = ["push", "run", "--repo", "acme/set"] as const;
const push = (...args: string[]): Promise<Ended> => start([...PUSH, ...args], WRITE_TOKEN).done;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-push-"));
  const recipe = {
    name: "made",
    student: { base: "demo-base" },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 40, difficulty: [2, 3] }] },
    attempt: { modes: [] },
    trace: { teacher: { type: "builtin" } },
    select: { count: 20 },
  };
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(recipe));
  const made = await start(["run", "recipe.json", "--run", "run", "--until", "select", "--threads", "1"], undefined)
    .done;
  expect(made).toMatchObject({ code: 0 });
});
beforeEach(async () => {
  hub = await startWritableHub();
});
afterEach(() => hub.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILES = ["README.md", "data/train-00000-of-00001.parquet", "train.jsonl"];

function expectWhole(): void {
  expect([...hub.files.keys()].sort()).toEqual(FILES);
  for (const [path, { bytes }] of hub.files)
    expect(bytes.equals(readFileSync(join(folder, "run/dataset", path)))).toBe(true);
}

test("without --yes it says what it would send, and asks nobody", async () => {
  const { code, stdout } = await start(PUSH, undefined).done;
  expect(code).toBe(0);
  expect(stdout).toContain("would send 20 examples to acme/set, private if it is made now");
  expect(stdout).toContain("nothing was sent");
  expect(hub.seen).toEqual([]);
});

test("sends all files in one commit, and nothing the second time", async () => {
  const first = await push("--yes", "--json");
  expect(first).toMatchObject({ code: 0 });
  expect(hub.isPrivate).toBe(true);
  expectWhole();
  expect(hub.commits.map((paths) => [...paths].sort())).toEqual([FILES]);
  const before = hub.seen.length;
  const second = await push("--yes", "--json");
  expect(JSON.parse(second.stdout)).toMatchObject({ pushed: { sent: [], unchanged: expect.any(Array) as unknown } });
  expect(hub.seen.slice(before).filter(({ method, path }) => method === "PUT" || path.includes("/commit/"))).toEqual(
    [],
  );
  expect(hub.commits).toHaveLength(1);
});

test("the token goes to the hub's own origin, and into no file and no output", async () => {
  const { code, stdout, stderr } = await push("--yes", "--public");
  expect(code).toBe(0);
  expect(hub.isPrivate).toBe(false);
  expect(hub.seen.some(({ origin }) => origin === "store")).toBe(true);
  expect(hub.seen.some(({ path }) => path === VERIFY)).toBe(true); // it has an authorization of its own
  for (const { origin, authorization } of hub.seen.filter(({ path }) => path !== VERIFY))
    expect(authorization).toBe(origin === "hub" ? `Bearer ${WRITE_TOKEN}` : undefined);
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path));
  const texts = paths.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, "latin1"));
  for (const text of [stdout, stderr, ...texts]) expect(text).not.toContain(WRITE_TOKEN);
});

test.each<[string, (request: WriteRequest) => boolean]>([
  ["while a large file is uploaded", ({ origin }) => origin === "store"],
  ["when the hub has committed and has not answered yet", ({ path }) => path.includes("/commit/")],
])("kill -9 %s: the next push finishes with the same bytes", async (_, fits) => {
  const { child, done } = start([...PUSH, "--yes"], WRITE_TOKEN);
  let release = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    hub.hold = async (request) => {
      if (!fits(request)) return;
      resolve();
      await new Promise<void>((free) => (release = free));
    };
  });
  await reached;
  child.kill("SIGKILL");
  await done;
  hub.hold = () => Promise.resolve();
  release();
  expect(await push("--yes")).toMatchObject({ code: 0 });
  expectWhole();
  expect(hub.commits.length).toBe(1);
});

test("a token that may not make data sets pushes to one that is there, and to no other", async () => {
  hub.mayCreate = false;
  const none = await push("--yes");
  expect(none.stderr).toContain("the hub lets nobody write to acme/set with this HF_TOKEN (403)");
  expect(none.code).not.toBe(0);
  hub.isPrivate = true;
  expect(await push("--yes")).toMatchObject({ code: 0, stderr: "" });
  expectWhole();
});

test("says what is wrong with a token, and with a name", async () => {
  const refused = await start([...PUSH, "--yes"], "hf_somebodyelses").done;
  expect(refused.stderr).toContain("the hub lets nobody write to acme/set with this HF_TOKEN (403)");
  expect(refused.stderr).not.toContain("hf_somebodyelses");
  const none = await start([...PUSH, "--yes"], undefined).done;
  expect(none.stderr).toContain("HF_TOKEN is not set");
  const name = await start(["push", "run", "--repo", "../x", "--yes"], WRITE_TOKEN).done;
  expect(name.stderr).toContain('"../x" names no data set of the hub');
  for (const { code } of [refused, none, name]) expect(code).not.toBe(0);
  expect(hub.commits).toEqual([]);
});
