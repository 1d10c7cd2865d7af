/**
 * @file Python under bubblewrap: namespaces of its own for users, processes, network, mounts; a root that holds a read-only
 * /usr and the program; one small writable folder. The user is not root, and the limit on processes is set inside the new user
 * namespace: outside, it would count the user's other processes, or, for root, not bind.
 */
import { realpath } from "node:fs/promises";
import type { CodeRun, CodeRunner } from "../../grade/code/code-runner.ts";
import { type ProcessCommand, runProcess } from "./bounded-process.ts";
import { fileEntries } from "./run-files.ts";
import { resourceLimits } from "./resource-limits.ts";
import { resultOf, sandboxError } from "./run-status.ts";
import { ALONE, dropTo, systemFolders } from "./system-folders.ts";
import {
  canaryFailure,
  findInSystem,
  findProgram,
  isRoot,
  outputOf,
  type SandboxBackend,
  type SandboxHost,
  type SandboxProbe,
} from "./sandbox.ts";

/** Programs and folders that a run needs. */
export interface BubblewrapTools {
  readonly bwrap: string;
  readonly prlimit: string;
  /** Set where this process is root. */
  readonly setpriv: string | undefined;
  /** Makes the kernel end a run, not us, when memory is short; not everywhere. */
  readonly choom: string | undefined;
  readonly uid: number;
  readonly python: string;
  /** Flags for the folders that its root has. */
  readonly folders: readonly string[];
}

/** The bubblewrap backend. */
export const bubblewrap: SandboxBackend = { name: "bubblewrap", open };

async function open(host: SandboxHost, signal: AbortSignal): Promise<SandboxProbe> {
  const unavailable = (reason: string): SandboxProbe => ({ status: "unavailable", backend: "bubblewrap", reason });
  const [bwrap, setpriv, choom] = await Promise.all(
    ["bwrap", "setpriv", "choom"].map((name) => findProgram(name, host.path)),
  );
  const prlimit = await findInSystem("prlimit", host.path);
  if (bwrap === undefined) return unavailable("no bwrap on PATH");
  if (prlimit === undefined) return unavailable("no prlimit (util-linux) on PATH");
  if (isRoot() && setpriv === undefined)
    return unavailable("this process is root and no setpriv (util-linux) is on PATH");
  const version = (await outputOf(bwrap, ["--version"], signal)).replace(/^bubblewrap /, "");
  const reasons: string[] = [];
  for (const python of await pythons(host, signal)) {
    const tools = {
      bwrap,
      prlimit,
      setpriv: isRoot() ? setpriv : undefined,
      choom,
      uid: host.unprivilegedUid,
      ...python,
    };
    const runner = runnerOf(tools, version);
    const failure = await canaryFailure(runner, signal);
    if (failure === undefined) return { status: "ok", runner };
    reasons.push(`${python.python}: ${failure}`);
  }
  return unavailable(reasons.join("; ") || "no python3 on PATH");
}

function runnerOf(tools: BubblewrapTools, bwrapVersion: string): CodeRunner {
  return {
    backend: "bubblewrap",
    version: `bubblewrap ${bwrapVersion}`,
    isPartial: false,
    run: async (run, signal) => {
      const { stdin, limits } = run;
      const { wallMs, outputBytes, memoryBytes } = limits;
      const use = { stdin, wallMs, outputBytes, memoryBytes };
      const end = await runProcess(bubblewrapCommand(tools, run), use, signal);
      // bwrap reports an exit status only where it got as far as starting the program.
      const hasStarted = end.cause !== "exited" || end.report.includes('"exit-code"');
      return hasStarted ? resultOf(end, limits) : sandboxError(end, end.stderr || "bwrap did not start the program");
    },
    close: () => Promise.resolve(),
  };
}

/** The command of one run; the program goes in by descriptors, so nothing of it lies on the host's disk. */
export function bubblewrapCommand(tools: BubblewrapTools, run: CodeRun): ProcessCommand {
  const files = fileEntries(run.files);
  const args = [
    tools.choom === undefined ? [] : [tools.choom, "-n", "1000", "--"],
    tools.setpriv === undefined ? [] : dropTo(tools.setpriv, tools.uid),
    [tools.bwrap],
    ALONE,
    ["--uid", String(tools.uid), "--gid", String(tools.uid)],
    ["--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp"],
    ["--setenv", "PYTHONHASHSEED", "0", "--setenv", "LC_ALL", "C.UTF-8"],
    tools.folders,
    ["--dir", "/dev", "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom"],
    files.flatMap(([path], index) => ["--file", String(3 + index), `/box/${path}`]),
    ["--size", String(run.limits.fileBytes), "--tmpfs", "/tmp"],
    ["--remount-ro", "/", "--chdir", "/tmp", "--json-status-fd", String(3 + files.length), "--"],
    [tools.prlimit, ...resourceLimits(run.limits), `--nproc=${run.limits.processes}`],
    [tools.python, ...PYTHON_FLAGS, "/box/main.py"],
  ].flat();
  const [file = tools.bwrap, ...rest] = args;
  return { file, args: rest, env: {}, cwd: "/", inputs: files.map(([, text]) => text), hasReport: true };
}

/** No environment, no site packages, no byte code; the program's own folder, which is read-only, stays importable. */
export const PYTHON_FLAGS = ["-E", "-s", "-S", "-B"] as const;

type PythonPlace = Pick<BubblewrapTools, "python" | "folders">;

/** Interpreters to try: the one asked for, the system's, then whatever PATH gives, with the folder that a shim stands for. */
async function pythons(host: SandboxHost, signal: AbortSignal): Promise<PythonPlace[]> {
  const onPath = host.path.split(":").map((folder) => `${folder}/python3`);
  const wanted = host.python === undefined ? ["/usr/bin/python3", ...onPath] : [host.python];
  const places = new Map<string, PythonPlace>();
  for (const name of wanted) {
    const found = await findProgram(name, host.path);
    if (found === undefined) continue;
    const question =
      "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
    const [python, prefix] = (await outputOf(found, ["-I", "-S", "-c", question], signal)).split("\n");
    if (python === undefined || prefix === undefined || python === "") continue;
    const folders = [prefix].filter((folder) => !folder.startsWith("/usr"));
    places.set(await realpath(python), { python, folders: systemFolders(folders) });
  }
  return [...places.values()];
}
