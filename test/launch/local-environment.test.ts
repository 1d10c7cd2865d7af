import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { countGpus } from "../../src/adapters/launchers/gpu-count.ts";
import { pythonBundle } from "../../src/adapters/launchers/python-bundle.ts";
import { checkPython, ensureEnvironment } from "../../src/adapters/launchers/python-environment.ts";
import { planProcesses } from "../../src/adapters/launchers/torchrun-command.ts";
import { writeStandInPython } from "./stand-in.ts";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";

let folder: string;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-environment-"));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const log = (): string => join(folder, "installs");
const installs = (): number => (existsSync(log()) ? readFileSync(log(), "utf8").trimEnd().split("\n").length : 0);
const python = (settings: Record<string, string> = {}, name = "python3"): string =>
  writeStandInPython(join(folder, name), { STAND_IN_LOG: log(), ...settings });
const ensure = (command: string, more: { requirements?: string; signal?: AbortSignal } = {}): Promise<string> =>
  ensureEnvironment({
    requirements: "torch==2.13.0\n",
    cacheFolder: join(folder, "cache"),
    candidates: [command],
    tell: (message) => void told.push(message),
    signal,
    ...more,
  });

test("the environment is made once, with progress, and again for other requirements or another Python", async () => {
  const command = python();
  const made = await ensure(command);
  expect(told[0]).toContain(`making the Python environment with ${command} 3.11.7`);
  expect(told).toContain("downloading torch 2.13.0 (555.1 MB)");
  expect(await ensure(command)).toBe(made);
  expect(installs()).toBe(1);
  expect(await ensure(command, { requirements: "torch==2.14.0\n" })).not.toBe(made);
  expect(await ensure(python({ STAND_IN_VERSION: "3.12.1" }, "python3.12"))).not.toBe(made);
  expect(installs()).toBe(3);
});

test("two runs that want it at once make it once; the second waits and says for whom", async () => {
  const command = python({ STAND_IN_PIP_MS: "700" });
  const [first, second] = await Promise.all([ensure(command), ensure(command)]);
  expect(first).toBe(second);
  expect(installs()).toBe(1);
  expect(told.some((line) => line.startsWith(`waiting for process ${process.pid}`))).toBe(true);
});

test("one that was left half made is made again, and its lock does not stay", async () => {
  const failing = python({ STAND_IN_PIP_ERROR: "ERROR: No matching distribution found for torch==2.13.0" });
  await expect(ensure(failing)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("No matching"),
  });
  const made = await ensure(python());
  expect(existsSync(made)).toBe(true);
  expect(installs()).toBe(2);
  expect(readdirSync(join(folder, "cache/python")).filter((name) => name.endsWith(".lock"))).toEqual([]);
});

test("a stop in the middle leaves nothing that passes for an environment", async () => {
  const stop = new AbortController();
  told.push = (message) => (message.startsWith("downloading") && stop.abort(), 1);
  await expect(ensure(python({ STAND_IN_PIP_MS: "60000" }), { signal: stop.signal })).rejects.toMatchObject({
    code: "interrupted",
  });
  await ensure(python());
  expect(installs()).toBe(2);
});

test("what fails says what to do", async () => {
  await expect(ensure(join(folder, "none"))).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("is a Python"),
    hint: expect.stringContaining("3.10"),
  });
  await expect(ensure(python({ STAND_IN_VERSION: "3.9.18" }, "old"))).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/old is 3\.9\.18, and 3\.10 is needed/),
  });
  await expect(ensure(python({ STAND_IN_VENV: "fails" }))).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("ensurepip is not available"),
    hint: expect.stringContaining("python3-venv"),
  });
  const offline = { STAND_IN_PIP_ERROR: "NewConnectionError: Temporary failure in name resolution" };
  await expect(ensure(python(offline))).rejects.toMatchObject({ code: "network", isRetryable: true });
  const full = { STAND_IN_PIP_ERROR: "ERROR: [Errno 28] No space left on device" };
  await expect(ensure(python(full))).rejects.toMatchObject({ code: "disk-full" });
});

test("a Python of the user's must have the requirements; other versions are a warning", async () => {
  const requirements = "# pinned\ntorch==2.13.0\ntransformers==5.18.0\nray[default]==2.58.0\n--no-deps\n";
  const warned: string[] = [];
  const check = (packages: string): Promise<void> =>
    checkPython(python({ STAND_IN_PACKAGES: packages }), {
      requirements,
      warn: (text) => void warned.push(text),
      signal,
    });
  await expect(check("torch=2.13.0+cpu")).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("has no transformers, ray"),
  });
  await check("torch=2.13.0+cpu transformers=5.18.0 ray=2.58.0");
  expect(warned).toEqual([]);
  await check("torch=2.12.1 transformers=5.18.0 ray=2.58.0");
  expect(warned).toEqual([expect.stringContaining("torch 2.12.1 (2.13.0)")]);
});

test("GPUs are counted as CUDA would count them", async () => {
  mkdirSync(join(folder, "bin"));
  const lines = [0, 1, 2, 3].map((place) => `GPU ${place}: NVIDIA H100 80GB HBM3 (UUID: GPU-${place})`).join("\n");
  writeFileSync(join(folder, "bin/nvidia-smi"), `#!/bin/sh\nprintf '%s\\n' '${lines}'\n`);
  chmodSync(join(folder, "bin/nvidia-smi"), 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${join(folder, "bin")}:${path}`;
  try {
    expect(await countGpus(undefined, signal)).toBe(4);
    expect(await countGpus("0,2", signal)).toBe(2);
    expect(await countGpus("", signal)).toBe(0);
    expect(await countGpus("1,-1,2", signal)).toBe(1);
    expect(await countGpus("0,1,2,3,4,5", signal)).toBe(4);
  } finally {
    process.env["PATH"] = path;
  }
});

test("one process a GPU, and no more than there are", () => {
  const fields = { type: "torchrun", device: "auto" } as const;
  expect(planProcesses(fields, 4)).toEqual({ processes: 4, gpus: 4 });
  expect(planProcesses({ ...fields, processes: 2 }, 4)).toEqual({ processes: 2, gpus: 2 });
  expect(planProcesses(fields, 0)).toEqual({ processes: 1, gpus: 0 });
  expect(planProcesses({ ...fields, processes: 2 }, 0)).toEqual({ processes: 2, gpus: 0 });
  expect(planProcesses({ ...fields, device: "cpu" }, 4)).toEqual({ processes: 1, gpus: 0 });
  expect(() => planProcesses({ ...fields, processes: 5 }, 4)).toThrow(/is 5, and this machine has 4/);
  expect(() => planProcesses({ ...fields, device: "cuda" }, 0)).toThrow(/finds no GPU/);
});

test("the bundle has the programs and their package, and no tests, fixtures or caches", async () => {
  const files = {
    "train.py": "shipped",
    "ray_train.py": "shipped",
    "requirements.txt": "shipped",
    "grappa_torch/events.py": "shipped",
    "grappa_torch/deep/more.py": "shipped",
    "grappa_torch/__pycache__/events.py": "",
    "tests/test_train.py": "",
    "fixtures/make.py": "",
    "oracle/oracle.py": "",
    "test.sh": "",
    "pytest.ini": "",
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, "python", path, ".."), { recursive: true });
    writeFileSync(join(folder, "python", path), text);
  }
  const bundle = await pythonBundle(nodeFileSystem(), folder);
  const shipped = Object.keys(files).filter((path) => files[path as keyof typeof files] === "shipped");
  expect(bundle.map(({ path }) => path)).toEqual(shipped.sort());
  await expect(pythonBundle(nodeFileSystem(), join(folder, "none"))).rejects.toMatchObject({ code: "file-missing" });
});
