/** @file `kill -9` at ten random moments of a real run; finished afterwards, its outputs are those of an undisturbed run. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { prng } from "../../src/core/prng.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const KILLS = 10;
const work = mkdtempSync(join(tmpdir(), "grappa-kill-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
  readonly text: string;
}

/** Runs the smoke recipe into `folder`; kills it with SIGKILL after `killAfterMs`. */
function run(folder: string, killAfterMs?: number): Promise<Ended> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, "run", "smoke", "--run", folder, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ms: performance.now() - started, text });
    });
  });
}

/** Every file of every stage's folder with its hash. */
function stageFiles(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  const walk = (path: string, name: string): void => {
    if (statSync(path).isDirectory())
      for (const entry of readdirSync(path)) walk(join(path, entry), `${name}/${entry}`);
    else files[name] = createHash("sha256").update(readFileSync(path)).digest("hex");
  };
  walk(join(folder, "stages"), "stages");
  return files;
}

test("ten kills change no byte of any stage's output", async () => {
  const undisturbed = join(work, "undisturbed");
  const whole = await run(undisturbed);
  expect(whole.code, whole.text).toBe(0);

  const random = prng(`kills/${process.env["GRAPPA_KILL_SEED"] ?? "0"}`);
  const disturbed = join(work, "disturbed");
  let kills = 0;
  for (let i = 0; i < KILLS; i++) {
    // Uniform over the first third of a run: a resumed run starts further on, so the kills wander through every stage.
    const { signal } = await run(disturbed, 200 + random.next() * (whole.ms / 3));
    if (signal === "SIGKILL") kills++;
  }
  expect(kills).toBeGreaterThanOrEqual(5);
  const last = await run(disturbed);
  expect(last.code, last.text).toBe(0);
  expect(stageFiles(disturbed)).toEqual(stageFiles(undisturbed));
});
