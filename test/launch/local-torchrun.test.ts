import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markedProcesses, signalQuietly } from "../../src/adapters/launchers/job-processes.ts";
import type { JobHandle, JobSpec, Launcher } from "../../src/adapters/launchers/launcher.ts";
import { readClaim, readStarted } from "../../src/adapters/launchers/local-try.ts";
import { nodeProcessTable, processIdentity } from "../../src/adapters/process-table.ts";
import { openTorchrunLauncher } from "../../src/adapters/launchers/torchrun-launcher.ts";
import type { TorchrunFields } from "../../src/schema/training-fields.ts";
import { allLines, behaviour, endOf } from "./launcher-contract.ts";
import { type StandInProgram, standInSpec, standInWorld, writeStandInPython } from "./stand-in.ts";

let folder: string;
let fields: TorchrunFields;
let launcher: Launcher;
const signal = new AbortController().signal;
const open = (): Promise<Launcher> => openTorchrunLauncher(fields, standInWorld(folder), signal);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-torchrun-"));
  const python = writeStandInPython(join(folder, "python3"));
  fields = { type: "torchrun", device: "cpu", processes: 2, python };
  launcher = await open();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A job of two processes. */
const twins = (name: string, program: Partial<StandInProgram>): JobSpec =>
  standInSpec(name, { ...behaviour({}), ...program }, { isDistributed: true, releaseFile: join(folder, "never") });
const out = (name: string, file: string): string => join(folder, "jobs", name, "out", file);
const tryOf = ({ name, id }: JobHandle): string => join(folder, "jobs", name, `try-${id}`);
const steps = (name: string): string[] => readFileSync(out(name, "steps.txt"), "utf8").trimEnd().split("\n");
const upTo = (count: number): string[] => Array.from({ length: count }, (_, place) => String(place + 1));

/** Goes on when the job has printed this line, so many times. */
async function lineOf(handle: JobHandle, wanted: string, times = 1): Promise<void> {
  let seen = 0;
  for await (const line of launcher.logs(handle, signal)) if (line === wanted && ++seen === times) return;
  throw new Error(`never printed ${wanted}`);
}

/** Whether a process has ended; the init process of a container may not reap it. */
const isGone = (pid: number): boolean => !nodeProcessTable().isAlive(processIdentity(pid));

/** Ids of the job's processes: the agent first. */
async function processesOf(handle: JobHandle): Promise<{ supervisor: number; agent: number; workers: number[] }> {
  const mark = (await readClaim(tryOf(handle)))?.mark ?? "";
  const agent = (await readStarted(tryOf(handle), "child"))?.identity.pid ?? 0;
  const supervisor = (await readStarted(tryOf(handle), "supervisor"))?.identity.pid ?? 0;
  return { supervisor, agent, workers: markedProcesses(mark).filter((pid) => pid !== agent) };
}

test("a distributed program runs once for each process", async () => {
  const handle = await launcher.submit({ ...twins("twins", {}), args: ["config.json", "--x=1 2"] }, signal);
  const lines = await allLines(launcher, handle);
  expect(lines.filter((line) => line.startsWith("rank ")).sort()).toEqual(["rank 0 of 2", "rank 1 of 2"]);
  expect(lines).toContain('args ["config.json","--x=1 2"]');
  expect((await endOf(launcher, handle)).state).toBe("succeeded");
});

test("files of the bundle that lie on this machine are used where they lie", async () => {
  mkdirSync(join(folder, "base"));
  writeFileSync(join(folder, "base/model.bin"), "weights");
  const spec = twins("links", {});
  const handle = await launcher.submit(
    { ...spec, files: [...spec.files, { path: "model", from: join(folder, "base") }] },
    signal,
  );
  await endOf(launcher, handle);
  expect(readFileSync(join(folder, "jobs/links/files/model/model.bin"), "utf8")).toBe("weights");
  const missing = { path: "examples.jsonl", from: join(folder, "none.jsonl") };
  await expect(launcher.submit({ ...twins("missing", {}), files: [missing] }, signal)).rejects.toMatchObject({
    code: "file-missing",
    message: expect.stringContaining("none.jsonl"),
  });
  const found = (await launcher.find("missing", signal)) as JobHandle;
  expect(await launcher.status(found, signal)).toMatchObject({ state: "failed", exitCode: null });
});

test("two launchers that start a job of one name at once start one job", async () => {
  const others = await Promise.all(Array.from({ length: 4 }, open));
  const handles = await Promise.all(others.map((other) => other.submit(twins("race", { prints: ["once"] }), signal)));
  expect(new Set(handles.map(({ id }) => id))).toEqual(new Set(["1"]));
  await endOf(launcher, handles[0]);
  expect(existsSync(join(folder, "jobs/race/try-2"))).toBe(false);
});

test("a cancelled job saves its checkpoint first", async () => {
  const handle = await launcher.submit(twins("saves", { holds: true, onTerm: "saves", prints: ["held"] }), signal);
  await lineOf(handle, "held", 2);
  await launcher.cancel(handle, signal);
  expect(await endOf(launcher, handle)).toMatchObject({ state: "cancelled", exitCode: 0 });
  expect(readFileSync(out("saves", "saved.txt"), "utf8")).toBe("saved");
});

// Which processes belong to a job is known on Linux alone.
describe.runIf(process.platform === "linux")("killed with -9 in mid-run:", () => {
  test("the launcher: another finds the job and follows it to its end", async () => {
    const spec = twins("driver", { steps: 10 });
    const files = spec.files.map((file) => ({
      path: file.path,
      text: Buffer.from("bytes" in file ? file.bytes : []).toString(),
    }));
    const { cacheFolder, jobsFolder } = standInWorld(folder);
    const order = JSON.stringify({ fields, world: { cacheFolder, jobsFolder }, spec: { ...spec, files } });
    const child = spawn(process.execPath, [resolve("test/launch/launcher-process.mjs"), order], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const handle = JSON.parse((await lines.next()).value) as JobHandle;
    for (let line = ""; line !== "step 2"; ) line = String((await lines.next()).value);
    child.kill("SIGKILL");
    expect(await launcher.find("driver", signal)).toEqual(handle);
    const all = await allLines(launcher, handle);
    expect(all.filter((line) => line.startsWith("step "))).toEqual(upTo(10).map((step) => `step ${step}`));
    expect((await endOf(launcher, handle)).state).toBe("succeeded");
    expect(steps("driver")).toEqual(upTo(10));
  });

  test("a worker: the job failed, none of the others is left, and the same name goes on", async () => {
    const spec = twins("worker", { steps: 25 });
    const handle = await launcher.submit(spec, signal);
    await lineOf(handle, "step 3");
    const { workers } = await processesOf(handle);
    expect(workers).toHaveLength(2);
    process.kill(workers[1], "SIGKILL");
    expect(await endOf(launcher, handle)).toMatchObject({ state: "failed", exitCode: 1 });
    expect(workers.filter((pid) => !isGone(pid))).toEqual([]);
    const second = await launcher.submit(spec, signal);
    expect((await endOf(launcher, second)).state).toBe("succeeded");
    expect((await allLines(launcher, second)).filter((line) => /^from step [1-9]/.test(line))).toHaveLength(1);
    expect(steps("worker")).toEqual(upTo(25));
  });

  test("PyTorch's agent: the job failed, none of its workers is left, and the same name goes on", async () => {
    const spec = twins("agent", { steps: 25 });
    const first = await launcher.submit(spec, signal);
    await lineOf(first, "step 2");
    const { agent, workers } = await processesOf(first);
    process.kill(agent, "SIGKILL");
    expect(await endOf(launcher, first)).toMatchObject({
      state: "failed",
      exitCode: null,
      detail: "killed by SIGKILL",
    });
    expect(workers.filter((pid) => !isGone(pid))).toEqual([]);
    const done = steps("agent").length;
    const second = await launcher.submit(spec, signal);
    expect(second.id).toBe("2");
    expect((await endOf(launcher, second)).state).toBe("succeeded");
    expect((await allLines(launcher, second)).filter((line) => line.startsWith("from step"))).toEqual([
      `from step ${done}`,
    ]);
    expect(steps("agent")).toEqual(upTo(25));
  });

  test("the supervisor: the job goes on, is not started twice, and can be cancelled", async () => {
    const spec = twins("watcher", { holds: true, onTerm: "saves", prints: ["held"] });
    const handle = await launcher.submit(spec, signal);
    await lineOf(handle, "held", 2);
    const { supervisor, workers, agent } = await processesOf(handle);
    process.kill(supervisor, "SIGKILL");
    expect(await launcher.status(handle, signal)).toMatchObject({ state: "running" });
    expect(await launcher.submit(spec, signal)).toEqual(handle);
    await launcher.cancel(handle, signal);
    expect(await launcher.status(handle, signal)).toMatchObject({ state: "cancelled" });
    expect([agent, ...workers].filter((pid) => !isGone(pid))).toEqual([]);
    expect(readFileSync(out("watcher", "saved.txt"), "utf8")).toBe("saved");
  });

  test("all of it, as when the machine goes: the job failed, and the same name goes on", async () => {
    const spec = twins("power", { steps: 25 });
    const handle = await launcher.submit(spec, signal);
    await lineOf(handle, "step 2");
    const { supervisor, workers, agent } = await processesOf(handle);
    for (const pid of [supervisor, agent, ...workers]) signalQuietly(pid, "SIGKILL");
    expect(await endOf(launcher, handle)).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("restarted"),
    });
    const second = await launcher.submit(spec, signal);
    expect((await endOf(launcher, second)).state).toBe("succeeded");
    expect(steps("power")).toEqual(upTo(25));
  });
});
