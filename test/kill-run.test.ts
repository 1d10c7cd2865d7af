import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prng } from "../src/core/prng.ts";
import { RunSummary } from "../src/schema/result.ts";
import { folderBytes } from "./folder-bytes.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-real-"));
  await writeTinyStudent(join(folder, "base"));
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(tinyRecipe("base")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

/** The real program, as installed, on the tiny recipe. */
function start(run: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [resolve("dist/cli/main.js"), "run", "recipe.json", "--run", run, "--json", ...args],
    { cwd: folder },
  );
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (output.stderr += text.toString()));
  const ended = new Promise<Ended>((resolve_) => {
    child.on("close", (code, signal) => resolve_({ ...output, code, signal, ms: performance.now() - begun }));
  });
  return { child, ended };
}

let whole: Ended;
beforeAll(async () => {
  whole = await start("whole").ended;
}, 60_000);

test("a whole run on real stages ends in the one line of the issue, and a report", () => {
  expect(whole.stderr).toContain("report    done");
  expect(whole.code).toBe(0);
  const summary = RunSummary.parse(JSON.parse(whole.stdout.trimEnd().split("\n").at(-1) ?? ""));
  expect(summary.stages.map(({ name }) => name)).toEqual([
    "collect",
    "attempt",
    "trace",
    "grade",
    "select",
    "tokenize",
    "train",
    "evaluate",
    "report",
  ]);
  expect(summary.funnel[0]).toEqual({ stage: "collect", kept: 80, dropped: 0 });
  expect(summary.funnel.at(-1)).toEqual({ stage: "tokenize", kept: 32, dropped: 0 });
  expect(summary.student.n).toBe(4);
  expect(summary.sweep.map(({ budgetTokens, waits }) => [budgetTokens, waits])).toEqual([
    [16, 0],
    [320, 0],
    [320, 1],
  ]);
  expect(JSON.parse(readFileSync(join(folder, "whole/result.json"), "utf8"))).toEqual(summary);
  expect(readFileSync(join(folder, "whole/report.html"), "utf8")).toContain(
    "grappa run recipe.json --seed 0 --run whole",
  );
});

test("kill -9 at ten random moments, then finish: the same stage outputs, byte for byte, at another thread count", async () => {
  const random = prng("kill-run");
  const runs = ["killed-0"];
  for (let kills = 0; kills < 10; ) {
    const { child, ended } = start(runs.at(-1) ?? "", "--threads", "1");
    await Promise.race([sleep(300 + random.next() * whole.ms), ended]);
    child.kill("SIGKILL");
    if ((await ended).signal === "SIGKILL") kills += 1;
    else runs.push(`killed-${runs.length}`); // it was done before the shot
  }
  for (const run of runs) {
    const { code, stderr } = await start(run).ended;
    expect(code, stderr).toBe(0);
    expect(folderBytes(join(folder, run, "stages")), run).toEqual(folderBytes(join(folder, "whole/stages")));
  }
}, 120_000);

test("Ctrl-C ends with status 130 within a second, says how to go on, and keeps what is done", async () => {
  const { child, ended } = start("stopped");
  const isTokenized = new Promise<string>((resolve_) =>
    child.stderr?.on("data", (text: Buffer) => text.toString().includes("tokenize  done") && resolve_("tokenized")),
  );
  expect(await Promise.race([isTokenized, ended])).toBe("tokenized");
  await sleep(100);
  const pressed = performance.now();
  child.kill("SIGINT");
  const { code, stderr, stdout } = await ended;
  expect(performance.now() - pressed).toBeLessThan(2000); // a second of ours, and whatever a busy machine adds
  expect(code).toBe(130);
  expect(stderr).toContain("goes on from there: grappa run recipe.json --seed 0 --run stopped");
  expect(JSON.parse(stdout.trimEnd())).toMatchObject({ error: { code: "interrupted" } });
  const again = await start("stopped").ended;
  expect(again.stderr).not.toContain("collect   done in");
  expect(folderBytes(join(folder, "stopped/stages"))).toEqual(folderBytes(join(folder, "whole/stages")));
}, 60_000);

const canMount = spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).status === 0;

test.skipIf(!canMount)(
  "a full disk fails by name and loses nothing: with room, the same command finishes with the same bytes",
  () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    const program = `${process.execPath} ${resolve("dist/cli/main.js")} run recipe.json --run ${disk}/run`;
    const script = `mount -t tmpfs -o size=400k tmpfs ${disk} && ${program}; echo "status $?"; mount -o remount,size=16m ${disk} && ${program} >/dev/null 2>&1; echo "status $?"; cp -r ${disk}/run/stages ${folder}/from-disk`;
    const { stdout, stderr } = spawnSync("unshare", ["-rm", "sh", "-c", script], { cwd: folder, encoding: "utf8" });
    expect(stderr).toMatch(/error: .*no space left on the device\nhint: free some space/);
    expect(stdout).toBe("status 5\nstatus 0\n");
    expect(folderBytes(join(folder, "from-disk"))).toEqual(folderBytes(join(folder, "whole/stages")));
  },
  60_000,
);
