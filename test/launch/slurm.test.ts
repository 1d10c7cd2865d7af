import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobHandle, JobSpec } from "../../src/adapters/launchers/launcher.ts";
import { SlurmLauncher } from "../../src/adapters/launchers/slurm-launcher.ts";
import type { SlurmFields } from "../../src/schema/training-fields.ts";
import { type FakeSlurm, openFakeSlurm } from "./fake-slurm.ts";
import { allLines, behaviour, endOf, statusWhere } from "./launcher-contract.ts";
import { type StandInProgram, standInSpec, writeStandInPython } from "./stand-in.ts";

let folder: string;
let slurm: FakeSlurm;
let fields: SlurmFields;
let launcher: SlurmLauncher;
const signal = new AbortController().signal;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-slurm-"));
  slurm = openFakeSlurm(folder);
  const python = writeStandInPython(join(folder, "python3"));
  fields = { type: "slurm", folder: join(folder, "shared"), nodes: 2, gpusPerNode: 0, options: [], setup: [], python };
  launcher = new SlurmLauncher(fields);
});
afterAll(() => {
  slurm.close();
  rmSync(folder, { recursive: true, force: true });
});

const twins = (name: string, program: Partial<StandInProgram>): JobSpec =>
  standInSpec(name, { ...behaviour({}), ...program }, { isDistributed: true, releaseFile: join(folder, "never") });
const file = (name: string, path: string): string => join(folder, "shared", name, path);
const calls = (): string[][] =>
  readFileSync(join(slurm.state, "calls"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as string[]);

/** Goes on when the job has printed this line. */
async function lineOf(handle: JobHandle, wanted: string): Promise<void> {
  for await (const line of launcher.logs(handle, signal)) if (line === wanted) return;
  throw new Error(`never printed ${wanted}`);
}

test("one agent a node, which meet at the first node's address", async () => {
  const handle = await launcher.submit(twins("nodes", { prints: ["up"] }), signal);
  const lines = await allLines(launcher, handle);
  expect(lines.filter((line) => line.startsWith("agent ")).sort()).toEqual([
    "agent 0 at 127.0.0.1:29501, is_host=1",
    "agent 1 at 127.0.0.1:29501, is_host=0",
  ]);
  expect(lines.filter((line) => line.startsWith("rank ")).sort()).toEqual(["rank 0 of 2", "rank 1 of 2"]);
  expect(await endOf(launcher, handle)).toMatchObject({ state: "succeeded", exitCode: 0 });
});

test("the recipe's words reach sbatch as they are, and its setup runs before the training", async () => {
  const marked = file("words", "setup-ran");
  const special = new SlurmLauncher({
    ...fields,
    nodes: 1,
    gpusPerNode: 4,
    partition: "gpu long; touch /tmp/x",
    account: "it's mine",
    options: ["--qos=long"],
    setup: [`echo "in $PWD" >'${marked}'`],
  });
  expect(special.gpus).toBe(4);
  const two = new SlurmLauncher({ ...fields, nodes: 2, gpusPerNode: 4 });
  expect([two.gpus, await two.gpusOnce()]).toEqual([8, 4]);
  const handle = await special.submit({ ...twins("words", {}), timeoutSeconds: 3601 }, signal);
  await endOf(special, handle);
  const sbatch =
    calls()
      .filter(([command]) => command === "sbatch")
      .at(-1) ?? [];
  expect(sbatch).toEqual([
    "sbatch",
    "--parsable",
    expect.stringMatching(/^--job-name=grappa-words-[0-9a-f]{8}$/),
    "--nodes=1",
    "--ntasks-per-node=4",
    "--gpus-per-node=4",
    "--partition=gpu long; touch /tmp/x",
    "--account=it's mine",
    "--time=66", // 61 minutes, and 5 for our own clock to come first
    "--requeue",
    "--open-mode=append",
    expect.stringMatching(/\/shared\/words\/log-%j$/),
    expect.stringMatching(/^--export=PATH,HOME,/),
    "--qos=long",
    file("words", "job.sh"),
  ]);
  expect(readFileSync(marked, "utf8").trim()).toMatch(/^in .*shared\/words\/files$/);
});

test("keys stay here, or go in a file that its owner alone may read and that the job's end removes", async () => {
  process.env["SOME_API_KEY"] = "sk-mine";
  const spec = {
    ...twins("keys", { echoes: ["HF_TOKEN", "SOME_API_KEY"], holds: true }),
    environment: { HF_TOKEN: "hf_s3cret" },
  };
  const handle = await launcher.submit(spec, signal);
  expect(statSync(file("keys", "environment")).mode & 0o777).toBe(0o600);
  await lineOf(handle, "HF_TOKEN=hf_s3cret");
  await launcher.cancel(handle, signal);
  await endOf(launcher, handle);
  delete process.env["SOME_API_KEY"];
  const lines = await allLines(launcher, handle);
  expect(lines).toContain("SOME_API_KEY=undefined");
  expect(existsSync(file("keys", "environment"))).toBe(false);
  const kept = [
    ...readdirSync(slurm.state).map((name) => join(slurm.state, name)),
    file("keys", "job.sh"),
    file("keys", "node.sh"),
  ];
  for (const path of kept) expect(readFileSync(path, "utf8"), path).not.toMatch(/s3cret|sk-mine/);
});

test("a job that was queued again, as after a lost node, goes on from its checkpoint under the same number", async () => {
  const spec = { ...twins("requeue", { steps: 50 }), environment: { KEY: "k" } };
  const handle = await launcher.submit(spec, signal);
  await lineOf(handle, "step 3");
  execFileSync("scontrol", ["requeue", handle.id]);
  const lines = await allLines(launcher, handle);
  expect(lines.filter((line) => /^from step [1-9]/.test(line))).toHaveLength(1);
  expect((await endOf(launcher, handle)).state).toBe("succeeded");
  expect(readFileSync(file("requeue", "out/steps.txt"), "utf8").trim().split("\n")).toHaveLength(50);
  expect(await launcher.find("requeue", signal)).toEqual(handle);
  expect(existsSync(file("requeue", "environment"))).toBe(false);
});

test("a job whose number was never written down is found by its name, and not submitted twice", async () => {
  writeFileSync(join(slurm.state, "hold"), "");
  const spec = twins("lost", { prints: ["once"] });
  const handle = await launcher.submit(spec, signal);
  rmSync(file("lost", "jobs"));
  expect(await new SlurmLauncher(fields).find("lost", signal)).toEqual(handle);
  expect(await launcher.submit(spec, signal)).toEqual(handle);
  expect(await launcher.status(handle, signal)).toMatchObject({ state: "queued", startedAt: null });
  await launcher.cancel(handle, signal);
  expect(await launcher.status(handle, signal)).toMatchObject({ state: "cancelled", startedAt: null });
  rmSync(join(slurm.state, "hold"));
});

test("a later submission whose answer was lost is found, though an earlier number was written down", async () => {
  const spec = twins("again", { exitCode: 5 });
  const first = await launcher.submit(spec, signal);
  await endOf(launcher, first);
  for (const name of ["hold", "lose"]) writeFileSync(join(slurm.state, name), "");
  await expect(launcher.submit(spec, signal)).rejects.toMatchObject({ code: "provider", isRetryable: true });
  rmSync(join(slurm.state, "lose"));
  expect(readFileSync(file("again", "jobs"), "utf8").trim()).toBe(first.id);
  const second = { ...first, id: String(Number(first.id) + 1) };
  expect(await new SlurmLauncher(fields).find("again", signal)).toEqual(second);
  expect(await launcher.submit(spec, signal)).toEqual(second);
  await launcher.cancel(second, signal);
  rmSync(join(slurm.state, "hold"));
});

test("a job that Slurm has forgotten is known by its own records", async () => {
  const handle = await launcher.submit(twins("forgotten", { exitCode: 5 }), signal);
  const end = await statusWhere({ launcher, handle }, ({ state }) => state === "failed");
  rmSync(join(slurm.state, `line-${handle.id}`));
  const later = await launcher.status(handle, signal);
  expect(later).toMatchObject({
    state: "failed",
    exitCode: end.exitCode,
    startedAt: end.startedAt,
    endedAt: end.endedAt,
  });
  expect(later.detail).toContain("no longer knows");
});

test("a place is host and folder, however they are written", async () => {
  const placeOf = (more: Partial<SlurmFields>): Promise<string> => new SlurmLauncher({ ...fields, ...more }).place();
  const here = await placeOf({ folder: "/shared" });
  expect(await placeOf({ folder: "/shared/", nodes: 7 })).toBe(here);
  expect(await placeOf({ folder: "/other" })).not.toBe(here);
  const there = await placeOf({ host: "login", folder: "/shared" });
  expect(there).not.toBe(here);
  expect(await placeOf({ host: "login", folder: "/shared//x/.././" })).toBe(there);
});

test("a controller that is away is a provider's fault, to be tried again; an order that it refuses is not", async () => {
  const handle = await launcher.submit(twins("away", {}), signal);
  await endOf(launcher, handle);
  writeFileSync(join(slurm.state, "down"), "");
  const away = { code: "provider", isRetryable: true, message: expect.stringContaining("Unable to contact") };
  await expect(launcher.status(handle, signal)).rejects.toMatchObject(away);
  await expect(launcher.find("unheard-of", signal)).rejects.toMatchObject(away);
  rmSync(join(slurm.state, "down"));
  await expect(
    new SlurmLauncher({ ...fields, partition: "none" }).submit(twins("refused", {}), signal),
  ).rejects.toMatchObject({ code: "provider-permanent", message: expect.stringContaining("invalid partition") });
});

test("a host that cannot be reached is a provider's fault; one that ssh would take for an option is refused", async () => {
  const gone = new SlurmLauncher({ ...fields, host: "gone" });
  await expect(gone.find("x", signal)).rejects.toMatchObject({
    code: "provider",
    isRetryable: true,
    message: expect.stringContaining("No route to host"),
    hint: expect.stringContaining("`ssh gone true`"),
  });
  for (const host of ["-oProxyCommand=touch /tmp/x", "a b", "", "host;id"])
    expect(() => new SlurmLauncher({ ...fields, host }), host).toThrow(/is no host for ssh/);
  expect(() => new SlurmLauncher({ ...fields, host: "login", folder: "~/jobs" })).toThrow(
    /not a path from the root on/,
  );
});
