import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markedProcesses } from "../../src/adapters/launchers/job-processes.ts";
import type { Launcher } from "../../src/adapters/launchers/launcher.ts";
import { readClaim, readStarted } from "../../src/adapters/launchers/local-try.ts";
import { openTorchrunLauncher } from "../../src/adapters/launchers/torchrun-launcher.ts";
import { endOf } from "../launch/launcher-contract.ts";
import { standInWorld } from "../launch/stand-in.ts";
import { fetchOutcome, stepReached, type TinyOutcome, tinyTraining, TOTAL_STEPS } from "../launch/tiny-training.ts";
import { canRun, torchPython } from "../launch/torch-python.ts";

const state = torchPython();
const PATIENCE_MS = 600_000;
const signal = new AbortController().signal;

describe.runIf(canRun("torch", state))("PyTorch on this machine, two processes", () => {
  let folder: string;
  let launcher: Launcher;
  let whole: TinyOutcome;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "grappa-torch-"));
    const fields = { type: "torchrun", device: "cpu", processes: 2, python: state.python } as const;
    launcher = await openTorchrunLauncher(fields, standInWorld(folder), signal);
    const handle = await launcher.submit(await tinyTraining(folder, "whole"), signal);
    const end = await endOf(launcher, handle, PATIENCE_MS);
    expect(end, readFileSync(join(folder, "jobs/whole/try-1/log"), "utf8").slice(-3000)).toMatchObject({
      state: "succeeded",
    });
    whole = await fetchOutcome(launcher, handle, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("trains 5 epochs, and the student is fetched in Hugging Face layout", () => {
    expect(whole).toMatchObject({ worldSize: 2, nodes: 1, resumedAt: [0], outcome: "completed" });
    expect(whole.losses).toHaveLength(TOTAL_STEPS);
    expect(whole.losses[TOTAL_STEPS - 1]).toBeLessThan(whole.losses[0] ?? 0);
    expect(readdirSync(join(folder, "whole-final"))).toEqual(
      expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json"]),
    );
  });

  test("a worker killed with -9 costs the steps since the last checkpoint: the losses are those of a whole run", async () => {
    const spec = await tinyTraining(folder, "worker");
    const handle = await launcher.submit(spec, signal);
    await stepReached(launcher, handle, { step: 5 });
    const tryFolder = join(folder, "jobs/worker/try-1");
    const agent = (await readStarted(tryFolder, "child"))?.identity.pid ?? 0;
    const children = readFileSync(`/proc/${agent}/task/${agent}/children`, "utf8").trim().split(" ").map(Number);
    const workers = markedProcesses((await readClaim(tryFolder))?.mark ?? "").filter((pid) => children.includes(pid));
    expect(workers).toHaveLength(2);
    process.kill(workers[1] ?? 0, "SIGKILL");
    expect(await endOf(launcher, handle, PATIENCE_MS)).toMatchObject({ state: "failed", exitCode: 1 });
    const second = await launcher.submit(spec, signal); // as a run does (judge-training.ts)
    expect((await endOf(launcher, second, PATIENCE_MS)).state).toBe("succeeded");
    const { losses, resumedAt, outcome } = await fetchOutcome(launcher, second, folder);
    expect(outcome).toBe("completed");
    expect(resumedAt).toHaveLength(2);
    expect(resumedAt[1]).toBeGreaterThanOrEqual(3);
    expect(losses).toEqual(whole.losses);
  });

  test("a cancelled job has saved where it was, and goes on there under its name", async () => {
    const spec = await tinyTraining(folder, "cancelled", { checkpointEverySteps: 1000 });
    const first = await launcher.submit(spec, signal);
    await stepReached(launcher, first, { step: 4 });
    await launcher.cancel(first, signal);
    expect((await endOf(launcher, first, PATIENCE_MS)).state).toBe("cancelled");
    expect(existsSync(join(folder, "jobs/cancelled/out/final/model.safetensors"))).toBe(false);
    const second = await launcher.submit(spec, signal);
    expect(second.id).toBe("2");
    expect((await endOf(launcher, second, PATIENCE_MS)).state).toBe("succeeded");
    const { losses, resumedAt } = await fetchOutcome(launcher, second, folder);
    expect(resumedAt.at(-1)).toBeGreaterThanOrEqual(4);
    expect(losses).toEqual(whole.losses);
  });
});
