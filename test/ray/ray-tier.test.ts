/**
 * @file Real jobs on a real Ray of two nodes: our launcher, zip, job, Ray Train, the trainer. The losses must be torchrun's,
 * to the last digit, whatever dies meanwhile.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobHandle, JobSpec, JobStatus, LauncherWorld } from "../../src/adapters/launchers/launcher.ts";
import { RayLauncher } from "../../src/adapters/launchers/ray-launcher.ts";
import { AppError } from "../../src/core/errors.ts";
import type { TrainingEvent } from "../../src/schema/training-job.ts";
import { allLines, endOf } from "../launch/launcher-contract.ts";
import { RayCluster } from "./cluster.ts";
import { eventsOf, stepsOf, tinyTraining } from "./training-job.ts";

/** Set by run.sh. */
const PYTHON = String(process.env["GRAPPA_TORCH_PYTHON"]);
/** Cold imports of torch, transformers and trl, twice, on two busy cores. */
const COLD_MS = 300_000;
const SHORT = { name: "five-epochs", epochs: 5, checkpointEverySteps: 10 };
const LONG = { name: "deaths", epochs: 40, checkpointEverySteps: 4 };
const never = (): AbortSignal => new AbortController().signal;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const root = mkdtempSync(join(tmpdir(), "gr-"));
const storage = join(root, "storage");
const cluster = new RayCluster(PYTHON, join(root, "r"));
let launcher: RayLauncher;

beforeAll(async () => {
  mkdirSync(storage);
  await cluster.start();
  const world: LauncherWorld = {
    secrets: (name) => (name === "RAY_TOKEN" ? cluster.token : undefined),
    cacheFolder: root,
    jobsFolder: root,
    warn: () => undefined,
    tell: () => undefined,
  };
  const resources = { workers: 2, gpusPerWorker: 0, cpusPerWorker: 1, maxFailures: 1 };
  const where = { address: cluster.address, tokenEnv: "RAY_TOKEN", storage, installs: false };
  launcher = new RayLauncher({ type: "ray", ...where, ...resources }, world, {
    pauseMs: 500,
    patienceMs: 5_000,
    stopMs: 60_000,
  });
});
afterAll(async () => {
  await launcher?.close();
  await cluster.stop();
  try {
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  } catch {
    // a folder of Ray's that is left below the system's temporary one spoils no test
  }
});

/** What the trainer did under torchrun with two processes on this machine. */
function byTorchrun(folder: string): TrainingEvent[] {
  const out = join(folder, "by-torchrun");
  const train = ["python/train.py", join(folder, "config.json")];
  execFileSync(PYTHON, ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", ...train], {
    env: { ...process.env, GRAPPA_OUT: out, OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1", PYTHONDONTWRITEBYTECODE: "1" },
    timeout: COLD_MS,
    stdio: "pipe",
  });
  return eventsOf(readFileSync(join(out, "events.jsonl"), "utf8"));
}

/** Events that a job has written so far. */
function eventsIn(handle: JobHandle): TrainingEvent[] {
  const path = join(String(handle.folder), "events.jsonl");
  return existsSync(path) ? eventsOf(readFileSync(path, "utf8")) : [];
}

const resumedAt = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === "start" ? [event.resumedAt] : []));

/** Last whole checkpoint before each start but the first. */
function checkpointsBeforeStarts(events: readonly TrainingEvent[]): number[] {
  let last = 0;
  const found: number[] = [];
  for (const event of events) {
    if (event.type === "start") found.push(last);
    if (event.type === "checkpoint") last = event.step;
  }
  return found;
}

/** Waits until a checkpoint of so many steps stands, in this many tries. */
async function untilStep(handle: JobHandle, step: number, starts: number): Promise<void> {
  for (const until = Date.now() + COLD_MS; ; await sleep(20)) {
    const events = eventsIn(handle);
    const reached = events.some((event) => event.type === "checkpoint" && event.step >= step);
    if (reached && resumedAt(events).length === starts) return;
    const { state, detail } = await launcher.status(handle, never());
    if (state !== "running" && state !== "queued") throw new Error(`${state} before step ${step}: ${detail}`);
    if (Date.now() > until)
      throw new Error(`no checkpoint of step ${step} in try ${starts}: ${resumedAt(events).join()}`);
  }
}

async function finished(handle: JobHandle): Promise<JobStatus> {
  const lines = await allLines(launcher, handle);
  const end = await endOf(launcher, handle, COLD_MS);
  if (end.state !== "succeeded") console.error(lines.join("\n"));
  return end;
}

test("two workers on two nodes train five epochs as torchrun does, and the student comes back", async () => {
  const folder = join(root, "short");
  const spec = await tinyTraining(folder, SHORT);
  const wanted = stepsOf(byTorchrun(folder));
  expect(wanted).toHaveLength(20);
  const handle = await launcher.submit(spec, never());
  const lines = await allLines(launcher, handle);
  expect((await endOf(launcher, handle, COLD_MS)).state, lines.join("\n")).toBe("succeeded");
  const nodes = new Set(lines.flatMap((line) => /rank \d of 2 on node ([0-9a-f]+)/.exec(line)?.[1] ?? []));
  expect(nodes.size).toBe(2);
  expect(lines.some((line) => line.includes('@@grappa {"type": "end"') || line.includes("@@grappa {"))).toBe(true);
  expect(await launcher.fetch(handle, "events.jsonl", join(folder, "events.jsonl"), never())).toBe(true);
  const events = eventsOf(readFileSync(join(folder, "events.jsonl"), "utf8"));
  expect(stepsOf(events)).toEqual(wanted);
  expect(await launcher.fetch(handle, "final", join(folder, "final"), never())).toBe(true);
  const file = (place: string): Buffer => readFileSync(join(folder, place, "model.safetensors"));
  expect(file("final").equals(file("by-torchrun/final"))).toBe(true);
  expect(await launcher.submit(spec, never())).toEqual(handle);
});

test("a worker, the driver and the head die in mid-run: each time it goes on from the last checkpoint", async () => {
  // Torchrun's saves no checkpoints, which must change nothing.
  await tinyTraining(join(root, "plain"), { ...LONG, checkpointEverySteps: 1000 });
  const wanted = stepsOf(byTorchrun(join(root, "plain")));
  const spec = await tinyTraining(join(root, "long"), LONG);
  const first = await launcher.submit(spec, never());

  await untilStep(first, 12, 1);
  cluster.killOne("second", /^ray::.*RayTrainWorker/);

  await untilStep(first, 40, 2);
  cluster.killOne("head", /^python3 ray_train\.py$/);
  expect((await endOf(launcher, first, COLD_MS)).state).toBe("failed");
  const second = await launcher.submit(spec, never());
  expect(second.id).toBe("deaths_2");

  await untilStep(second, 72, 3);
  cluster.killNode("head");
  const away = await launcher.status(second, never()).catch((error: unknown) => error);
  expect(away).toBeInstanceOf(AppError);
  expect(away).toMatchObject({ code: "provider", isRetryable: true });
  cluster.killNode("second");
  await cluster.start();
  expect(await launcher.find(spec.name, never())).toBeUndefined();
  const third = await launcher.submit(spec, never());

  expect(await finished(third)).toMatchObject({ state: "succeeded", exitCode: 0 });

  const events = eventsIn(third);
  expect(resumedAt(events)).toEqual(checkpointsBeforeStarts(events));
  expect(resumedAt(events)).toHaveLength(4);
  expect(stepsOf(events)).toEqual(wanted);
});

test("a job that is cancelled has time to save: every process of it is told, and waited for", async () => {
  const program = [
    "import os, pathlib, signal, sys, time",
    "rank = os.environ['RANK']",
    "def save(*_):",
    "    time.sleep(4)  # longer than Ray itself would wait",
    "    pathlib.Path(os.environ['GRAPPA_OUT'], 'saved-' + rank).write_text(os.environ['WORLD_SIZE'])",
    "    sys.exit(143)",
    "signal.signal(signal.SIGTERM, save)",
    "print('ready', rank, flush=True)",
    "time.sleep(600)",
  ];
  const files = [{ path: "program.py", bytes: Buffer.from(program.join("\n")) }];
  const told = { args: [], isDistributed: true, requirements: "", environment: {}, timeoutSeconds: null };
  const handle = await launcher.submit({ name: "saves", files, program: "program.py", ...told }, never());
  const ready = new Set<string>();
  for await (const line of launcher.logs(handle, never())) {
    const [, rank] = /ready (\d)/.exec(line) ?? [];
    if (rank !== undefined) ready.add(rank);
    if (ready.size === 2) break;
  }
  await launcher.cancel(handle, never());
  expect((await launcher.status(handle, never())).state).toBe("cancelled");
  for (const rank of [0, 1]) {
    const to = join(root, `saved-${rank}`);
    expect(await launcher.fetch(handle, `saved-${rank}`, to, never())).toBe(true);
    expect(readFileSync(to, "utf8")).toBe("2");
  }
});

test("a program that is not distributed runs once; large files reach it by the storage; its time is limited", async () => {
  const program =
    "import os, sys, time\nprint(os.path.getsize('large.bin'), flush=True)\ntime.sleep(float(sys.argv[1]))\n";
  const large = join(root, "large.bin");
  writeFileSync(large, "");
  truncateSync(large, 200 * 1024 * 1024);
  const spec: JobSpec = {
    name: "once",
    files: [
      { path: "program.py", bytes: Buffer.from(program) },
      { path: "large.bin", from: large },
    ],
    program: "program.py",
    args: ["60"],
    isDistributed: false,
    requirements: "",
    environment: {},
    timeoutSeconds: 2,
  };
  const handle = await launcher.submit(spec, never());
  const lines = await allLines(launcher, handle);
  expect(lines).toContain(String(200 * 1024 * 1024));
  expect(await endOf(launcher, handle, COLD_MS)).toMatchObject({ state: "timed-out", exitCode: 124 });
});
