import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JobHandle, JobSpec } from "../../src/adapters/launchers/launcher.ts";
import { SlurmLauncher } from "../../src/adapters/launchers/slurm-launcher.ts";
import { openTorchrunLauncher } from "../../src/adapters/launchers/torchrun-launcher.ts";
import type { SlurmFields } from "../../src/schema/training-fields.ts";
import { endOf, statusWhere } from "../launch/launcher-contract.ts";
import { standInWorld } from "../launch/stand-in.ts";
import { fetchOutcome, stepReached, tinyTraining, TOTAL_STEPS, totalSteps } from "../launch/tiny-training.ts";
import { canRun, torchPython } from "../launch/torch-python.ts";

const PATIENCE_MS = 600_000;
/** Some seconds of training also on a quiet machine: long enough to be interrupted twice. */
const LONG = { epochs: 60, checkpointEverySteps: 4 };
const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "grappa-slurm-tier-"));

/** Starts Slurm; its SLURM_CONF, or what is missing. */
async function startSlurm(): Promise<{ daemons: ChildProcess; conf: string; missing: string | undefined }> {
  const daemons = spawn("bash", ["scripts/start-slurm.sh", join(folder, "slurm")], { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  daemons.stderr.on("data", (text: Buffer) => (errors += text.toString()));
  const ended = new Promise<string>((resolve) => daemons.once("exit", () => resolve("")));
  const lines = createInterface({ input: daemons.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([lines.next().then(({ value }) => String(value ?? "")), ended]);
  const conf = /^ready (.+)$/.exec(first)?.[1];
  return {
    daemons,
    conf: conf ?? "",
    missing: conf === undefined ? `Slurm: ${errors.trim() || "it did not start"}` : undefined,
  };
}

const python = torchPython();
const slurm = python.missing === undefined ? await startSlurm() : undefined;

describe.runIf(canRun("slurm", { missing: python.missing ?? slurm?.missing }))("Slurm, two virtual nodes", () => {
  let launcher: SlurmLauncher;
  /** Losses of two processes of torchrun. */
  let local: readonly (number | null)[];
  let longLocal: readonly (number | null)[];
  const log = ({ name, id }: JobHandle): string =>
    readFileSync(join(folder, "shared", name, `log-${id}`), "utf8").slice(-4000);
  beforeAll(async () => {
    process.env["SLURM_CONF"] = slurm?.conf;
    const fields: SlurmFields = {
      type: "slurm",
      folder: join(folder, "shared"),
      nodes: 2,
      gpusPerNode: 0,
      options: [],
      setup: [],
      python: python.python,
    };
    launcher = new SlurmLauncher(fields);
    const torchrun = await openTorchrunLauncher(
      { type: "torchrun", device: "cpu", processes: 2, python: python.python },
      standInWorld(folder),
      signal,
    );
    const lossesOf = async (spec: JobSpec): Promise<readonly (number | null)[]> => {
      const handle = await torchrun.submit(spec, signal);
      expect((await endOf(torchrun, handle, PATIENCE_MS)).state).toBe("succeeded");
      return (await fetchOutcome(torchrun, handle, folder)).losses;
    };
    local = await lossesOf(await tinyTraining(folder, "local"));
    expect(local).toHaveLength(TOTAL_STEPS);
    longLocal = await lossesOf(await tinyTraining(folder, "long-local", LONG));
    expect(longLocal).toHaveLength(totalSteps(LONG.epochs));
  });
  afterAll(async () => {
    slurm?.daemons.kill("SIGTERM");
    await new Promise((resolve) => slurm?.daemons.once("exit", resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  test("two nodes train 5 epochs with exactly the losses of two processes of torchrun", async () => {
    const handle = await launcher.submit(await tinyTraining(folder, "nodes"), signal);
    const end = await endOf(launcher, handle, PATIENCE_MS);
    expect(end, log(handle)).toMatchObject({ state: "succeeded", exitCode: 0 });
    expect(end.endedAt).toBeGreaterThan(end.startedAt ?? Number.POSITIVE_INFINITY);
    const outcome = await fetchOutcome(launcher, handle, folder);
    expect(outcome).toMatchObject({ worldSize: 2, nodes: 2, resumedAt: [0], outcome: "completed" });
    expect(outcome.losses).toEqual(local);
  });

  test("queued again as after a lost node, then cancelled, then submitted again: it goes on each time, with the same losses", async () => {
    const spec = await tinyTraining(folder, "again", LONG);
    const first = await launcher.submit(spec, signal);
    await stepReached(launcher, first, { step: 4 });
    execFileSync("scontrol", ["requeue", first.id]);
    await statusWhere({ launcher, handle: first }, ({ state }) => state === "queued", PATIENCE_MS);
    // Slurm lets a job that was queued again wait for two minutes; not here.
    execFileSync("scontrol", ["update", `JobId=${first.id}`, "StartTime=now"]);
    await stepReached(launcher, first, { step: 80, after: 1 });
    await launcher.cancel(first, signal);
    expect((await endOf(launcher, first, PATIENCE_MS)).state, log(first)).toBe("cancelled");
    const second = await launcher.submit(spec, signal);
    expect(second.id).not.toBe(first.id);
    expect((await endOf(launcher, second, PATIENCE_MS)).state, log(second)).toBe("succeeded");
    const { losses, resumedAt, outcome } = await fetchOutcome(launcher, second, folder);
    expect(outcome).toBe("completed");
    expect(resumedAt).toHaveLength(3);
    expect(resumedAt[1]).toBeGreaterThanOrEqual(4);
    expect(resumedAt[2]).toBeGreaterThanOrEqual(80);
    expect(losses).toEqual(longLocal);
  });

  test("what Slurm refuses is told", async () => {
    const refused = new SlurmLauncher({
      type: "slurm",
      folder: join(folder, "shared"),
      nodes: 2,
      gpusPerNode: 0,
      options: [],
      setup: [],
      python: python.python,
      partition: "none",
    });
    await expect(refused.submit(await tinyTraining(folder, "refused"), signal)).rejects.toMatchObject({
      code: "provider-permanent",
      message: expect.stringContaining("invalid partition"),
    });
  });
});
