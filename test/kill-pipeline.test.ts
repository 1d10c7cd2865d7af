import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prng } from "../src/core/prng.ts";
import { folderBytes } from "./folder-bytes.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-kill-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

/** Runs the slow pipeline; kills it after `killAfterMs`, if it still runs then. */
async function runOnce(run: string, killAfterMs?: number): Promise<Ended> {
  const start = performance.now();
  const child = spawn(process.execPath, ["test/slow-pipeline.mjs", join(folder, run)]);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (output.stderr += text.toString()));
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (_code, signal) => resolve({ ...output, signal, ms: performance.now() - start })),
  );
  if (killAfterMs !== undefined) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill("SIGKILL");
  }
  return await ended;
}

test("a run killed at random moments, then finished, gives the bytes of one that was not", async () => {
  const undisturbed = await runOnce("whole");
  expect(undisturbed.stdout).toBe("complete\n");
  const random = prng("kill-pipeline");
  const runs = ["killed-0"];
  for (let kills = 0; kills < 10; ) {
    const { signal } = await runOnce(runs.at(-1) ?? "", random.next() * undisturbed.ms);
    if (signal === "SIGKILL") kills += 1;
    else runs.push(`killed-${runs.length}`); // it was done before the shot
  }
  for (const run of runs) {
    const last = await runOnce(run);
    expect(last.stderr).toBe("");
    expect(last.stdout).toBe("complete\n");
    expect(folderBytes(join(folder, run, "stages"))).toEqual(folderBytes(join(folder, "whole/stages")));
    expect(readdirSync(join(folder, run)).filter((name) => name.endsWith(".tmp") || name.startsWith("lock"))).toEqual(
      [],
    );
  }
});

test("two processes never write one run: one of them is told who holds it", async () => {
  const undisturbed = await runOnce("alone");
  const both = [runOnce("shared"), sleep(250).then(() => runOnce("shared"))];
  // On a busy machine either may take the lock, and one may have ended before the other began: then nothing is left to do.
  const ends = (await Promise.all(both)).map(({ stdout, stderr }) =>
    stdout === "complete\n" ? "complete" : stderr.includes("this run is in use by process") ? "refused" : stderr,
  );
  expect(undisturbed.stdout).toBe("complete\n");
  expect(ends).toContain("complete");
  expect(ends.filter((end) => end !== "complete" && end !== "refused")).toEqual([]);
  expect(folderBytes(join(folder, "shared/stages"))).toEqual(folderBytes(join(folder, "alone/stages")));
});
