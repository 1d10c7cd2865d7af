import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readJournal } from "../../src/adapters/journal/journal-pass.ts";
import { prng } from "../../src/core/prng.ts";
import { CHILD_TIMES } from "./child-times.ts";
import { startedJobs } from "./fake-launcher.ts";
import { trainedRun } from "./training-lab.ts";

let folder: string;
let child: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-kill-"));
  await trainedRun(join(folder, "prepared"));
  // Beside node_modules, for its packages.
  child = resolve(".tmp", `training-child-${process.pid}.mjs`);
  mkdirSync(resolve(".tmp"), { recursive: true });
  const shape = { bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "error" } as const;
  await build({ entryPoints: ["test/launch/training-child.ts"], outfile: child, ...shape });
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(child, { force: true });
});

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: NodeJS.Signals | null;
}

async function runOnce(run: string, scenario: string, killAfterMs?: number): Promise<Ended> {
  const process_ = spawn(process.execPath, [child, run, scenario]);
  const output = { stdout: "", stderr: "" };
  process_.stdout.on("data", (text: Buffer) => (output.stdout += text.toString()));
  process_.stderr.on("data", (text: Buffer) => (output.stderr += text.toString()));
  const ended = new Promise<Ended>((done) => process_.on("close", (_code, signal) => done({ ...output, signal })));
  if (killAfterMs !== undefined) {
    await Promise.race([sleep(killAfterMs), ended]);
    process_.kill("SIGKILL");
  }
  return await ended;
}

async function booked(run: string): Promise<{ readonly microUsd: number; readonly open: number }> {
  let microUsd = 0;
  let open = 0;
  for await (const one of readJournal(join(run, "run/journal/requests.jsonl"))) {
    if (one.account !== "train") continue;
    microUsd += one.costMicroUsd;
    if (one.outcome === "open") open += 1;
  }
  return { microUsd, open };
}

const { loadMs, stepMs } = CHILD_TIMES;
/** 8 GPUs at 3.60 an hour. */
const costOf = (ms: number): number => ms * 8;
/** 40 steps, and one for the student. */
const WHOLE = costOf(loadMs + 41 * stepMs);
/** 17 steps and a moment; then from the checkpoint of step 15 on. */
const LOST = costOf(loadMs + 17 * stepMs + 1) + costOf(loadMs + 26 * stepMs);

test.each([
  ["whole", 1, WHOLE],
  ["lost", 2, LOST],
] as const)(
  "kill -9 at random moments of a training (%s): no job is lost, none started twice, each paid once",
  async (scenario, jobs, microUsd) => {
    const random = prng(`kill-training/${scenario}`);
    for (let runs = 0, kills = 0; kills < 8; runs++) {
      const run = join(folder, `${scenario}-${runs}`);
      cpSync(join(folder, "prepared"), run, { recursive: true });
      for (;;) {
        // A process takes a good part of a second to begin.
        const { signal, stdout, stderr } = await runOnce(
          run,
          scenario,
          kills < 8 ? 300 + random.next() * 1500 : undefined,
        );
        if (signal === "SIGKILL") {
          kills += 1;
          continue;
        }
        expect(stdout, stderr).toBe("trained\n");
        break;
      }
      expect(startedJobs(join(run, "cluster")), run).toBe(jobs);
      expect(await booked(run), run).toEqual({ microUsd, open: 0 });
    }
  },
  120_000,
);
