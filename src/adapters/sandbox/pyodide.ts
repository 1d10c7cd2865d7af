/**
 * @file Python without Python: Pyodide in a child process of Node under its permission model, a new process for each run. The model
 * shuts files, processes, threads and add-ons; it leaves the network open and does not hide other processes, so the child also
 * gets namespaces of its own where bubblewrap or unshare can make them. Where they cannot, the sandbox says that it is partial.
 */
import { createRequire } from "node:module";
import { chmod, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeRun, CodeRunner, CodeRunResult } from "../../grade/code/code-runner.ts";
import { compiledUrl } from "../threads/compiled-url.ts";
import { BoundedProcess, type ProcessCommand, runProcess } from "./bounded-process.ts";
import { type PyodideWrapper, pyodideWrappers } from "./pyodide-wrappers.ts";
import { fileEntries } from "./run-files.ts";
import { resultOf, sandboxError } from "./run-status.ts";
import { canaryFailure, type SandboxBackend, type SandboxHost, type SandboxProbe } from "./sandbox.ts";

/** The Pyodide backend. */
export const pyodide: SandboxBackend = { name: "pyodide", open };

/** How long an interpreter may take to start; a cold one takes three seconds on a machine with nothing else to do. */
const START_MS = 60_000;
const SNAPSHOT_BYTES = 128 << 20;
/** Memory that an interpreter may take for itself before a program does anything, and then some. */
const INTERPRETER_BYTES = 512 << 20;

/** Files that a child reads, and no other. */
interface PyodidePlaces {
  readonly node: string;
  readonly child: string;
  readonly manifest: string;
  readonly pyodide: string;
  /** A fresh interpreter's memory; every run starts from a copy. */
  readonly snapshot: string;
}

async function open(host: SandboxHost, signal: AbortSignal): Promise<SandboxProbe> {
  const folder = await mkdtemp(join(tmpdir(), "grappa-pyodide-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const unavailable = async (reason: string): Promise<SandboxProbe> => {
    await remove();
    return { status: "unavailable", backend: "pyodide", reason };
  };
  try {
    const places = await findPlaces(host, folder);
    const version = versionOf(places.pyodide);
    const failure = await makeSnapshot(places, signal);
    if (failure !== undefined) return await unavailable(failure);
    const reasons: string[] = [];
    for (const wrapper of await pyodideWrappers(host, Object.values(places))) {
      const runner = runnerOf(places, wrapper, { version, spares: host.spares, remove });
      const failed = await canaryFailure(runner, signal);
      if (failed === undefined) return { status: "ok", runner };
      reasons.push(`${wrapper.name}: ${failed}`);
    }
    return await unavailable(reasons.join("; "));
  } catch (error) {
    await remove();
    throw error;
  }
}

async function findPlaces(host: SandboxHost, folder: string): Promise<PyodidePlaces> {
  const child = fileURLToPath(compiledUrl(import.meta.url, "./pyodide-child.ts"));
  const main = createRequire(import.meta.url).resolve("pyodide/package.json");
  return {
    node: await realpath(host.node),
    child: await realpath(child),
    // Node reads it to learn that the child is a module.
    manifest: await realpath(join(dirname(child), "../../../package.json")),
    pyodide: await realpath(dirname(main)),
    snapshot: join(folder, "snapshot"),
  };
}

function versionOf(folder: string): string {
  const { version } = createRequire(import.meta.url)(join(folder, "package.json")) as { version: string };
  return version;
}

/** Writes the memory of a fresh interpreter beside nothing else, readable by the user that runs have. */
async function makeSnapshot(places: PyodidePlaces, signal: AbortSignal): Promise<string | undefined> {
  const [file = "", ...args] = nodeCommand(places, "--snapshot");
  const use = { stdin: "", wallMs: START_MS, outputBytes: SNAPSHOT_BYTES };
  const end = await runProcess({ file, args, env: {}, cwd: "/" }, use, signal);
  if (end.exitCode !== 0) return `Pyodide does not start: ${end.stderr.trim().slice(-300)}`;
  await writeFile(places.snapshot, end.stdoutBytes, { mode: 0o444 });
  await chmod(dirname(places.snapshot), 0o755);
  return undefined;
}

/** Node with the permission model: may read its own few files, and nothing else. */
function nodeCommand({ node, child, manifest, pyodide: folder, snapshot }: PyodidePlaces, option: string): string[] {
  const major = Number(process.versions.node.split(".")[0]);
  const model = major >= 23 ? "--permission" : "--experimental-permission";
  const reads = [child, manifest, `${folder}/*`, snapshot].map((place) => `--allow-fs-read=${place}`);
  return [node, model, ...reads, "--no-addons", "--no-warnings", "--max-old-space-size=512", child, folder, option];
}

interface PyodideFacts {
  readonly version: string;
  readonly spares: number;
  remove(): Promise<void>;
}

function runnerOf(places: PyodidePlaces, wrapper: PyodideWrapper, facts: PyodideFacts): CodeRunner {
  const spares: BoundedProcess[] = [];
  let isClosed = false;
  const start = (): BoundedProcess => new BoundedProcess(commandOf(places, wrapper));
  const refill = (): void => {
    while (!isClosed && spares.length < facts.spares) spares.push(start());
  };
  return {
    backend: "pyodide",
    version: `pyodide ${facts.version}, ${wrapper.name}`,
    isPartial: wrapper.isPartial,
    run: async (run, signal) => {
      signal.throwIfAborted();
      fileEntries(run.files);
      const child = spares.shift() ?? start();
      try {
        return await runIn(child, run, signal);
      } finally {
        refill();
      }
    },
    close: async () => {
      isClosed = true;
      for (const spare of spares.splice(0)) spare.kill();
      await facts.remove();
    },
  };
}

/** One job for a child that has started; the wall clock runs from the moment at which it is ready. */
async function runIn(child: BoundedProcess, run: CodeRun, signal: AbortSignal): Promise<CodeRunResult> {
  const timer = setTimeout(() => child.kill(), START_MS);
  const abort = (): void => child.kill();
  signal.addEventListener("abort", abort, { once: true });
  const isReady = (await child.firstReport()).startsWith("ready");
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  const { files, stdin, limits } = run;
  const { wallMs, outputBytes } = limits;
  const memoryBytes = limits.memoryBytes + INTERPRETER_BYTES;
  const use = { stdin: JSON.stringify({ files, stdin }), wallMs, outputBytes, memoryBytes };
  const end = await child.finish(use, signal);
  return isReady ? resultOf(end, limits) : sandboxError(end, `Pyodide did not start: ${end.stderr.trim().slice(-500)}`);
}

function commandOf(places: PyodidePlaces, wrapper: PyodideWrapper): ProcessCommand {
  const [file = "", ...args] = [...wrapper.command, ...nodeCommand(places, places.snapshot)];
  return { file, args, env: {}, cwd: "/", hasReport: true };
}
