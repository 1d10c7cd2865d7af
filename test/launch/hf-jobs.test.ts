import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { HfJobsLauncher } from "../../src/adapters/launchers/hf-jobs-launcher.ts";
import { listHfHardware } from "../../src/adapters/launchers/hf-jobs-client.ts";
import type { JobSpec, LauncherWorld } from "../../src/adapters/launchers/launcher.ts";
import { Launcher } from "../../src/schema/training-fields.ts";
import { WRITE_TOKEN } from "../hub/fake-hub-writes.ts";
import {
  FAKE_OWNER,
  type FakeContainer,
  type FakeHubJobs,
  type FakeHubJobsOptions,
  pythonContainer,
  startFakeHubJobs,
} from "./fake-hub-jobs.ts";
import {
  allLines,
  behaviour,
  endOf,
  type JobBehaviour,
  type LauncherBench,
  launcherContract,
} from "./launcher-contract.ts";

const never = new AbortController().signal;

/** What the contract's jobs do, in a Python that has the standard library alone. */
const PROGRAM = `
import json, os, pathlib, sys, time
here = json.loads(pathlib.Path("behaviour.json").read_text())
out = pathlib.Path(os.environ["GRAPPA_OUT"])
for line in here["prints"]: print(line)
for name in here["echoes"]: print(name + "=" + os.environ[name])
for path, text in here["writes"].items():
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    (out / path).write_text(text, encoding="utf-8")
if here["holds"]:
    while not os.path.exists(here["gate"]): time.sleep(0.02)
    print("released")
sys.exit(here["exitCode"])
`;

const specOf = (name: string, told: JobBehaviour, gate: string): JobSpec => ({
  name,
  files: [
    { path: "program.py", bytes: Buffer.from(PROGRAM) },
    { path: "behaviour.json", bytes: Buffer.from(JSON.stringify({ ...told, gate })) },
  ],
  program: "program.py",
  args: [],
  isDistributed: false,
  requirements: "",
  environment: {},
  timeoutSeconds: 600,
});

/** Does what \`hf_job.py\` and the program above do, without a Python. */
const simulated = async ({ name, files, bucket, environment, print, signal }: FakeContainer): Promise<number> => {
  const { prints, echoes, writes, holds, exitCode, gate } = JSON.parse(
    String(files.get("files/behaviour.json")),
  ) as JobBehaviour & { gate: string };
  const folder = join(bucket, name);
  mkdirSync(join(folder, "objects"), { recursive: true });
  const manifestFile = join(folder, "manifest.json");
  const manifest = (existsSync(manifestFile) ? JSON.parse(readFileSync(manifestFile, "utf8")) : { files: {} }) as {
    files: Record<string, object>;
  };
  for (const line of prints) print(line);
  for (const variable of echoes) print(`${variable}=${environment[variable]}`);
  for (const [path, text] of Object.entries(writes)) {
    const sha256 = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(folder, "objects", sha256), text);
    manifest.files[path] = { size: Buffer.byteLength(text), sha256 };
  }
  writeFileSync(manifestFile, JSON.stringify({ schemaVersion: 1, state: {}, ...manifest }));
  while (holds && !existsSync(gate)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (signal.aborted) throw new Error("stopped");
  }
  if (holds) print("released");
  return exitCode;
};

const worldOf = (warnings: string[] = [], secrets: Readonly<Record<string, string>> = { HF_TOKEN: WRITE_TOKEN }) =>
  ({
    secrets: (name) => secrets[name],
    cacheFolder: tmpdir(),
    jobsFolder: tmpdir(),
    warn: (message) => void warnings.push(message),
    tell: () => undefined,
  }) satisfies LauncherWorld;

function launcherAt(hubUrl: string, world: LauncherWorld = worldOf(), more: object = {}): HfJobsLauncher {
  const fields = Launcher.parse({ type: "hf-jobs", hubUrl, flavor: "cpu-basic", ...more });
  if (fields.type !== "hf-jobs") throw new Error("not hf-jobs");
  return new HfJobsLauncher(fields, world);
}

async function openBench(options: FakeHubJobsOptions): Promise<LauncherBench> {
  const folder = mkdtempSync(join(tmpdir(), "grappa-hf-bench-"));
  const fake = await startFakeHubJobs(options);
  const gate = (name: string): string => join(folder, `${name}.gate`);
  return {
    launcher: launcherAt(fake.endpoint),
    reopen: async () => launcherAt(fake.endpoint),
    spec: (name, told) => specOf(name, told, gate(name)),
    release: async (name) => writeFileSync(gate(name), ""),
    close: async () => {
      await fake.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

launcherContract("hf-jobs, containers simulated, logs that break", () => openBench({ run: simulated, logBreaks: 6 }));

const python = ["python3", "python"].find((name) => spawnSync(name, ["--version"]).status === 0);
describe.skipIf(python === undefined)("with the real runner", () => {
  launcherContract("hf-jobs, run by python/hf_job.py", () => openBench({ run: pythonContainer(python ?? "") }));
});

describe("HfJobsLauncher", () => {
  let fake: FakeHubJobs;
  const folder = mkdtempSync(join(tmpdir(), "grappa-hf-"));
  const gate = join(folder, "gate");
  afterEach(async () => {
    await fake.close();
    rmSync(gate, { force: true });
  });
  const start = async (options: Partial<FakeHubJobsOptions> = {}): Promise<void> => {
    fake = await startFakeHubJobs({ run: simulated, ...options });
  };

  test("a job without a limit in time outlives the hub's default of 30 minutes, and its limit is said", async () => {
    await start({ secondMs: 0.05 }); // 30 minutes: 90 ms; a day: 4 s
    const warnings: string[] = [];
    const launcher = launcherAt(fake.endpoint, worldOf(warnings));
    const spec = { ...specOf("long", behaviour({ holds: true }), gate), timeoutSeconds: null };
    const handle = await launcher.submit(spec, never);
    setTimeout(() => writeFileSync(gate, ""), 400);
    expect((await endOf(launcher, handle)).state).toBe("succeeded");
    expect(fake.orders[0]?.timeoutSeconds).toBe(86_400);
    expect(warnings).toEqual([expect.stringContaining("24 hours")]);
  });

  test("variables go as secrets, never where the hub repeats them, and the token goes to the hub alone", async () => {
    await start();
    const launcher = launcherAt(fake.endpoint);
    const spec = specOf("secrets", behaviour({ writes: { "a.txt": "a" } }), gate);
    const handle = await launcher.submit({ ...spec, environment: { A_KEY: "hush-hush" } }, never);
    await endOf(launcher, handle);
    const [order] = fake.orders;
    expect(order?.secrets).toEqual({ A_KEY: "hush-hush" });
    expect(JSON.stringify([order?.environment, order?.command, order?.labels])).not.toContain("hush");
    expect(JSON.stringify([...fake.files.values()].map(({ bytes }) => String(bytes)))).not.toContain("hush");
    expect(JSON.stringify(fake.orders)).not.toContain(WRITE_TOKEN);
    expect(await launcher.fetch(handle, "a.txt", join(folder, "a.txt"), never)).toBe(true);
    const elsewhere = fake.seen.filter(({ origin }) => origin === "store");
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(elsewhere.every(({ authorization }) => authorization === undefined)).toBe(true);
    expect(fake.isPrivate).toBe(true);
  });

  test("the bundle is mounted at the commit that was pushed, with one process a GPU of the hub's own list", async () => {
    await start();
    const launcher = launcherAt(fake.endpoint, worldOf(), { flavor: "h200x8" });
    expect(launcher.gpus).toBe(8);
    await launcher.submit(specOf("eight", behaviour({}), gate), never);
    const [order] = fake.orders;
    expect(order?.volumes).toEqual([
      expect.objectContaining({
        type: "dataset",
        path: "eight",
        revision: String(fake.commits.length).padStart(40, "0"),
      }),
      { type: "bucket", source: `${FAKE_OWNER}/grappa-jobs`, mountPath: "/grappa/out", readOnly: false },
    ]);
    expect(JSON.parse(String(fake.files.get("eight/launch.json")?.bytes))).toMatchObject({ processes: 8 });
    expect(order?.attempts).toBe(3);
  });

  test("a job's GPUs are those of its own hardware, whatever the recipe says by now", async () => {
    await start();
    const handle = await launcherAt(fake.endpoint, worldOf(), { flavor: "h200x8" }).submit(
      specOf("own", behaviour({}), gate),
      never,
    );
    expect(await launcherAt(fake.endpoint, worldOf(), { flavor: "h200" }).status(handle, never)).toMatchObject({
      gpus: 8,
    });
  });

  test("a place is hub, namespace and repository; the token's own name may be given or not", async () => {
    await start();
    const placeOf = (url: string, more: object = {}): Promise<string> => launcherAt(url, worldOf(), more).place(never);
    const here = await placeOf(fake.endpoint);
    expect(await placeOf(`${fake.endpoint}/`, { namespace: FAKE_OWNER, flavor: "h200" })).toBe(here);
    expect(await placeOf(fake.endpoint, { namespace: "other" })).not.toBe(here);
    expect(await placeOf(fake.endpoint, { repository: "acme/other" })).not.toBe(here);
  });

  test("a price of the hub above the one that is counted with is refused before anything is sent", async () => {
    await start();
    const launcher = launcherAt(fake.endpoint, worldOf(), { flavor: "h200x8", gpuUsdPerHour: 4.5 });
    await expect(launcher.submit(specOf("dear", behaviour({}), gate), never)).rejects.toMatchObject({
      code: "usage",
      message: "an hour of h200x8 costs $40 at the hub now, and is counted with $36 (recipe, as given)",
      hint: expect.stringContaining("gpuUsdPerHour to 5,"),
    });
    expect(fake.commits).toEqual([]);
  });

  test("a price of the hub where the recipe counts none is a warning", async () => {
    await start();
    const warnings: string[] = [];
    const launcher = launcherAt(fake.endpoint, worldOf(warnings), { flavor: "h200", gpuUsdPerHour: 0 });
    await launcher.submit(specOf("free", behaviour({}), gate), never);
    expect(warnings).toEqual([expect.stringContaining("an hour of h200 costs $5 at the hub now")]);
  });

  test("hardware that the hub does not have is refused before anything is sent", async () => {
    await start();
    const launcher = launcherAt(fake.endpoint, worldOf(), { flavor: "h100" });
    await expect(launcher.submit(specOf("none", behaviour({}), gate), never)).rejects.toMatchObject({
      code: "usage",
      hint: "train.launcher.flavor is one of: cpu-basic, a100-large, h200, h200x8",
    });
    expect(fake.commits).toEqual([]);
  });

  test("a file that the job could not take is refused before anything is sent", async () => {
    await start();
    const weights = join(folder, "model.safetensors");
    writeFileSync(weights, "");
    truncateSync(weights, 2 * 1024 ** 3);
    const plain = specOf("large", behaviour({}), gate);
    const spec = { ...plain, files: [...plain.files, { path: "student/model.safetensors", from: weights }] };
    await expect(launcherAt(fake.endpoint).submit(spec, never)).rejects.toMatchObject({
      code: "limit-exceeded",
      hint: expect.stringContaining("a student with a tensor as large as that"),
    });
    expect(fake.commits).toEqual([]);
  });

  test("hardware comes with its price by the hour, and what is no NVIDIA GPU does not", async () => {
    await start();
    const listed = await listHfHardware(`${fake.endpoint}/`, never);
    expect(listed.map(({ flavor, gpu, gpus, usdPerHour }) => [flavor, gpu, gpus, usdPerHour])).toEqual([
      ["cpu-basic", null, 0, 0.01],
      ["a100-large", "A100", 1, 2.5],
      ["h200", "H200", 1, 5],
      ["h200x8", "H200", 8, 40],
    ]);
    expect(fake.seen.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test("without a token nothing is asked, and a wrong one is named in no message", async () => {
    await start();
    expect(() => launcherAt(fake.endpoint, worldOf([], {}))).toThrow(/HF_TOKEN is not set/);
    const wrong = `${WRITE_TOKEN}-wrong`;
    const launcher = launcherAt(fake.endpoint, worldOf([], { HF_TOKEN: wrong }));
    const error: unknown = await launcher.find("a", never).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "provider-permanent", data: { status: 401 } });
    expect(JSON.stringify(error) + String(error)).not.toContain(WRITE_TOKEN);
  });

  test("a hub that is away may come back: the error says so", async () => {
    await start();
    const launcher = launcherAt("http://127.0.0.1:9");
    await expect(launcher.find("a", never)).rejects.toMatchObject({ code: "provider", isRetryable: true });
  });

  test.skipIf(python === undefined)(
    "a machine that is lost: the next try goes on with what was pushed, and each line is told once",
    async () => {
      await start({ run: pythonContainer(python ?? ""), logBreaks: 3 });
      const launcher = launcherAt(fake.endpoint);
      const told = behaviour({ prints: ["a", "b", "c"], writes: { "checkpoint.txt": "one" }, holds: true });
      const handle = await launcher.submit(specOf("lost", told, gate), never);
      const lines: string[] = [];
      for await (const line of launcher.logs(handle, never)) {
        lines.push(line);
        if (line === "c" && lines.filter((one) => one === "c").length === 1) fake.loseMachine("lost");
        else if (line === "c") writeFileSync(gate, "");
      }
      expect(lines.filter((line) => "abc".includes(line))).toEqual(["a", "b", "c", "a", "b", "c"]);
      expect((await endOf(launcher, handle)).state).toBe("succeeded");
      expect(await allLines(launcher, handle)).toEqual(lines);
    },
  );
});
