/**
 * @file No sandbox at all: Python as a plain child process, for those who asked for it in so many words. It has a folder of its
 * own, no environment and whatever limits the machine gives; files and the network lie open to it.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CodeRun, CodeRunner } from "../../grade/code/code-runner.ts";
import { runProcess } from "./bounded-process.ts";
import { PYTHON_FLAGS } from "./bubblewrap.ts";
import { resourceLimits } from "./resource-limits.ts";
import { fileEntries } from "./run-files.ts";
import { resultOf } from "./run-status.ts";
import {
  canaryFailure,
  findProgram,
  outputOf,
  type SandboxBackend,
  type SandboxHost,
  type SandboxProbe,
} from "./sandbox.ts";

/** The backend that protects nothing. */
export const unsafeLocal: SandboxBackend = { name: "unsafe-local", open };

async function open(host: SandboxHost, signal: AbortSignal): Promise<SandboxProbe> {
  const unavailable = (reason: string): SandboxProbe => ({ status: "unavailable", backend: "unsafe-local", reason });
  const python = await findProgram(host.python ?? "python3", host.path);
  if (python === undefined) return unavailable("no python3 on PATH");
  const prlimit = await findProgram("prlimit", host.path);
  const runner = runnerOf(python, prlimit, await outputOf(python, ["-I", "-S", "--version"], signal));
  const failure = await canaryFailure(runner, signal);
  return failure === undefined ? { status: "ok", runner } : unavailable(`${python}: ${failure}`);
}

function runnerOf(python: string, prlimit: string | undefined, version: string): CodeRunner {
  return {
    backend: "unsafe-local",
    version,
    isPartial: true,
    run: async (run, signal) => {
      const folder = await mkdtemp(join(tmpdir(), "grappa-run-"));
      try {
        await writeFiles(folder, run);
        // Without --nproc: it would count this user's other processes.
        const program = [python, ...PYTHON_FLAGS, join(folder, "box", "main.py")];
        const limited = prlimit === undefined ? program : [prlimit, ...resourceLimits(run.limits), ...program];
        const [file = python, ...args] = limited;
        const env = { PYTHONHASHSEED: "0", LC_ALL: "C.UTF-8", HOME: folder };
        const { wallMs, outputBytes, memoryBytes } = run.limits;
        const use = { stdin: run.stdin, wallMs, outputBytes, memoryBytes };
        const end = await runProcess({ file, args, env, cwd: folder }, use, signal);
        return resultOf(end, run.limits);
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      }
    },
    close: () => Promise.resolve(),
  };
}

async function writeFiles(folder: string, { files }: CodeRun): Promise<void> {
  for (const [path, text] of fileEntries(files)) {
    const place = join(folder, "box", path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
  }
}
