/**
 * @file The Python environment that Grappa makes for itself: kept below the cache folder under a hash of the requirements and
 * the Python, made by one process at a time, and made again where it was left half made.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { nodeFileSystem } from "../file-system.ts";
import { makeFolders } from "../make-folders.ts";
import { nodeProcessTable } from "../process-table.ts";
import { type HeldLock, takeLock } from "../store/lock-file.ts";
import { withFileError } from "../file-error.ts";
import { findPython, type FoundPython } from "./find-python.ts";
import { sleep } from "./interruption.ts";
import { followOutput } from "./pip-progress.ts";
import { runCommand } from "./run-command.ts";

/** Written last: an environment without it was left half made. */
const STAMP = "grappa-complete";
const WAIT_MS = 500;
const TAIL_LINES = 12;

/** What is to be made, and for whom. */
export interface EnvironmentOptions {
  /** Pip requirements. */
  readonly requirements: string;
  readonly cacheFolder: string;
  /** Commands to try for a Python; by default those that systems have. */
  readonly candidates?: readonly string[];
  tell(message: string): void;
  readonly signal: AbortSignal;
}

/**
 * The Python of an environment that has the requirements, made first where there is none.
 *
 * @throws AppError "usage" without Python 3.10+ or its venv module, or where pip finds no such packages; "network" where
 *   it cannot reach them; "disk-full"; "interrupted"
 */
export async function ensureEnvironment(options: EnvironmentOptions): Promise<string> {
  const { requirements, cacheFolder, signal } = options;
  const found = await findPython(signal, options.candidates);
  const key = shortHash(JSON.stringify([requirements, found.version, found.platform]));
  const folder = join(cacheFolder, "python", key);
  const python = join(folder, "bin", "python");
  if (await isComplete(folder)) return python;
  const lock = await takeInTurn(`${folder}.lock`, options);
  try {
    if (!(await isComplete(folder))) await makeEnvironment(folder, found, options);
  } finally {
    await lock.release();
  }
  return python;
}

/**
 * Checks that a Python of the user's has the requirements; other versions of them are a warning.
 *
 * @throws AppError "usage", naming what is missing
 */
export async function checkPython(
  python: string,
  options: { readonly requirements: string; warn(message: string): void; readonly signal: AbortSignal },
): Promise<void> {
  await findPython(options.signal, [python]);
  const pins = Array.from(
    options.requirements.matchAll(/^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:==\s*([\w.+-]+))?/gm),
  );
  const names = pins.map(([, name]) => name ?? "");
  if (names.length === 0) return;
  const { exitCode, stdout, stderr } = await runCommand([python, "-c", VERSIONS, ...names], options.signal);
  if (exitCode !== 0) throw brokenPython(python, stderr);
  const versions = stdout.trim().split("\n");
  const missing = names.filter((_, at) => (versions[at] ?? "-") === "-");
  if (missing.length > 0)
    throw new AppError("usage", `${python} has no ${missing.join(", ")}`, {
      hint: "install python/requirements.txt there, or leave train.launcher.python out: grappa makes an environment then",
      data: { python, missing },
    });
  const others = pins.flatMap(([, name, wanted], at) =>
    wanted === undefined || versions[at]?.split("+")[0] === wanted ? [] : [`${name} ${versions[at]} (${wanted})`],
  );
  if (others.length > 0) options.warn(`${python} has other versions than those tested: ${others.join(", ")}`);
}

/** Prints the version of each distribution named, `-` where there is none; imports torch, which fails where its libraries do. */
const VERSIONS = `import sys
from importlib import metadata
for name in sys.argv[1:]:
    try:
        print(metadata.version(name).split()[0])
    except metadata.PackageNotFoundError:
        print("-")
        continue
    if name == "torch":
        import torch`;

async function isComplete(folder: string): Promise<boolean> {
  return (await nodeFileSystem().kind(join(folder, STAMP))) === "file";
}

/** Takes the lock, after whoever has it; says so once. */
async function takeInTurn(path: string, { tell, signal }: EnvironmentOptions): Promise<HeldLock> {
  const ports = { fs: nodeFileSystem(), processes: nodeProcessTable() };
  for (let isTold = false; ; isTold = true) {
    const taken = await takeLock(ports, path);
    if (taken !== "contended" && "release" in taken) return taken;
    if (taken !== "contended" && !isTold)
      tell(`waiting for process ${taken.holder.pid} on ${taken.holder.host}, which makes the Python environment`);
    await sleep(WAIT_MS, signal);
  }
}

async function makeEnvironment(folder: string, found: FoundPython, options: EnvironmentOptions): Promise<void> {
  const { requirements, tell, signal } = options;
  tell(`making the Python environment with ${found.command} ${found.version} in ${folder}`);
  await withFileError(folder, async () => {
    await rm(folder, { recursive: true, force: true });
    await makeFolders(folder);
    await writeFile(join(folder, "requirements.txt"), requirements);
  });
  const made = await runCommand([found.command, "-m", "venv", folder], signal);
  if (made.exitCode !== 0) throw brokenPython(found.command, `${made.stdout}\n${made.stderr}`);
  const python = join(folder, "bin", "python");
  const lines: string[] = [];
  const quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
  const installed = await runCommand(
    [python, "-m", "pip", "install", ...quiet, "-r", join(folder, "requirements.txt")],
    signal,
    { onOutput: (output) => followOutput(output, { lines, tell }) },
  );
  if (installed.exitCode !== 0) throw pipFailed(tailOf(`${lines.join("\n")}\n${installed.stderr}`));
  await writeFile(join(folder, STAMP), `${new Date().toISOString()}\n`, { flush: true });
  tell("the Python environment is ready");
}

const tailOf = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trimEnd().slice(0, 300))
    .filter((line) => line !== "")
    .slice(-TAIL_LINES)
    .join("\n");

function brokenPython(python: string, output: string): AppError {
  const lacksVenv = /ensurepip|No module named '?venv/.test(output);
  return new AppError(
    "usage",
    `${python} ${lacksVenv ? "cannot make an environment" : "does not work"}:\n${tailOf(output)}`,
    {
      hint: lacksVenv
        ? "install its venv module (python3-venv on Debian and Ubuntu), or name another in train.launcher.python"
        : "name another Python in train.launcher.python",
      data: { python },
    },
  );
}

function pipFailed(tail: string): AppError {
  if (/No space left|Errno 28/i.test(tail))
    return new AppError("disk-full", `pip has no room for the Python environment:\n${tail}`, {
      hint: "PyTorch with CUDA takes about 7 GB; free some space, or set a cache folder elsewhere",
      isRetryable: true,
    });
  const isNetwork = /connection|timed? ?out|resolve|network|SSL|proxy/i.test(tail);
  return new AppError(isNetwork ? "network" : "usage", `pip could not install the requirements:\n${tail}`, {
    hint: "set PIP_INDEX_URL for another package index, or train.launcher.python to a Python that has the requirements",
    isRetryable: isNetwork,
  });
}
