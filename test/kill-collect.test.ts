/** @file A run that is killed while it collects, from files and a hub, then finished, gives the bytes of one that was not. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prng } from "../src/core/prng.ts";
import { folderBytes } from "./folder-bytes.ts";
import { type FakeHub, startFakeHubOf } from "./hub/fake-hub.ts";

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");
const KILLS = 4;

let folder: string;
let hub: FakeHub;

const lines = (name: string, count: number): string =>
  Array.from({ length: count }, (_, k) =>
    // Every tenth row is broken, so that what is reported must be the same too.
    k % 10 === 9 ? "{" : JSON.stringify({ question: `What is ${k} of ${name}?`, answer: k, kind: k % 3 }),
  ).join("\n");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-kill-collect-"));
  const parts = Object.fromEntries(
    ["a", "b", "c"].map((part) => [`${part}/test.jsonl`, Buffer.from(lines(part, 3000))]),
  );
  hub = await startFakeHubOf({ "made/set": parts });
  writeFileSync(join(folder, "own.jsonl"), lines("own", 3000));
  const sources = [
    { type: "file", path: "own.jsonl", sample: 500, balanceBy: ["kind"] },
    { type: "hub", id: "made/set", parts: ["a/test", "b/test", "c/test"], where: [{ field: "kind", in: [0, 1] }] },
  ];
  const teacher = { type: "builtin" };
  writeFileSync(
    join(folder, "recipe.json"),
    JSON.stringify({ name: "kill", student: { base: "demo-base" }, collect: { sources }, trace: { teacher } }),
  );
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Collects into a run's folder, with a cache of its own; kills it after `killAfterMs`, if it still runs then. */
async function collect(run: string, killAfterMs?: number) {
  const start = performance.now();
  const env = { PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, GRAPPA_CACHE: join(folder, `cache-${run}`) };
  const args = [MAIN, "run", "recipe.json", "--run", run, "--until", "collect", "--threads", "1"];
  const child = spawn(process.execPath, args, { cwd: folder, env });
  let stderr = "";
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  if (killAfterMs !== undefined) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill("SIGKILL");
  }
  return { ...(await ended), stderr, ms: performance.now() - start };
}

// It starts the program many times.
test("kill -9 while collecting: the next run finishes with the same bytes", { timeout: 240_000 }, async () => {
  const whole = await collect("whole");
  expect({ code: whole.code, stderr: whole.stderr }).toMatchObject({ code: 0 });
  const random = prng("kill-collect");
  const runs = ["killed-0"];
  for (let kills = 0; kills < KILLS; ) {
    const { signal } = await collect(runs.at(-1) ?? "", (0.3 + 0.7 * random.next()) * whole.ms);
    if (signal === "SIGKILL") kills += 1;
    else runs.push(`killed-${runs.length}`); // it was done before the shot
  }
  const expected = folderBytes(join(folder, "whole/stages"));
  for (const run of runs) {
    const last = await collect(run);
    expect({ code: last.code, stderr: last.stderr }).toMatchObject({ code: 0 });
    expect(folderBytes(join(folder, run, "stages"))).toEqual(expected);
  }
});

test("no record of it holds where the files lie, and what was read is said", () => {
  const stages = join(folder, "whole/stages");
  const texts = Object.keys(folderBytes(stages)).map(
    (name) => [name, readFileSync(join(stages, name), "utf8")] as const,
  );
  expect(texts.filter(([, text]) => text.includes(folder) || text.includes(hub.endpoint))).toEqual([]);
  const readings =
    texts
      .find(([name]) => name.endsWith("sources.jsonl"))?.[1]
      .trim()
      .split("\n") ?? [];
  expect(readings.map((line) => JSON.parse(line) as object)).toMatchObject([
    { name: "own.jsonl", rows: 3000, bad: 300 },
    { name: "made/set", rows: 9000, bad: 900, filtered: 2700 },
  ]);
});
