/** @file The machine whose sbatch is asked: this one, or one behind ssh. Both see the job's folder. */
import type { Readable } from "node:stream";
import { AppError } from "../../core/errors.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { appearWhole, copyOutput } from "./copy-output.ts";
import { checkedJobPath } from "./job-checks.ts";
import type { BundleFile } from "./launcher.ts";
import { layBundle } from "./lay-bundle.ts";
import { readFrom } from "./read-from.ts";
import { type CommandEnd, type CommandOptions, runCommand } from "./run-command.ts";
import { shellLine } from "./shell-words.ts";
import { packTar, unpackTar } from "./tar-stream.ts";

/** See the file's head. Paths are absolute and as seen there. */
export interface SlurmHost {
  /** For people. */
  readonly name: string;
  /** Between two looks at a job, milliseconds: the shortest and the longest pause. */
  readonly pollMs: readonly [number, number];
  /** Runs a command there, its words as they stand. */
  run(words: readonly [string, ...string[]], signal: AbortSignal, options?: CommandOptions): Promise<CommandEnd>;
  /** Lays files into a folder, which then holds these alone. */
  put(files: readonly BundleFile[], folder: string, signal: AbortSignal): Promise<void>;
  /** Copies a file or folder below `root` to this machine; false where there is none. */
  take(root: string, path: string, options: { readonly to: string; readonly signal: AbortSignal }): Promise<boolean>;
  /** Up to 1 MiB of a file from a place on; none where there is nothing yet. */
  read(path: string, offset: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** A command of Slurm or a shell answers in seconds, or the machine is in trouble. */
const ANSWER_MS = 120_000;

/** This machine. */
export const localHost: SlurmHost = {
  name: "this machine",
  pollMs: [250, 3000],
  run: (words, signal, options) => runCommand(words, signal, { timeoutMs: ANSWER_MS, ...options }),
  put: (files, folder, signal) => layBundle(files, folder, { by: "copy", signal }),
  take: copyOutput,
  read: (path, offset) => readFrom(path, offset),
};

/** A machine behind `ssh`, which must let us in without asking. Throws AppError "usage" for a name that ssh would take otherwise. */
export function sshHost(name: string): SlurmHost {
  if (!/^[A-Za-z0-9_][\w.@:%-]*$/.test(name))
    throw new AppError("usage", `train.launcher.host: ${JSON.stringify(name)} is no host for ssh`, {
      hint: "give HOST, USER@HOST or a name from ~/.ssh/config",
    });
  const ssh = [
    "ssh",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=20",
    "-o",
    "ServerAliveInterval=15",
    "--",
    name,
  ] as const;
  const run: SlurmHost["run"] = async (words, signal, options) => {
    const end = await runCommand([...ssh, shellLine(words)], signal, { timeoutMs: ANSWER_MS, ...options });
    if (end.exitCode === 255) throw unreachable(name, end.stderr);
    return end;
  };
  return {
    name,
    pollMs: [1000, 10_000],
    run,
    put: (files, folder, signal) => putByTar(run, { files, folder, name, signal }),
    take: (root, path, options) => takeByTar(run, { root, path, name, ...options }),
    read: (path, offset, signal) => readByTail(run, { path, offset, signal }),
  };
}

type Run = SlurmHost["run"];

async function putByTar(
  run: Run,
  { files, folder, name, signal }: { files: readonly BundleFile[]; folder: string; name: string; signal: AbortSignal },
): Promise<void> {
  const script = 'rm -rf "$1.tmp" && mkdir -p "$1.tmp" && tar -xf - -C "$1.tmp" && rm -rf "$1" && mv "$1.tmp" "$1"';
  // Weights may take hours on a slow line: no limit but ssh's own.
  const options = { input: packTar(files, signal), timeoutMs: 2 ** 31 - 1 };
  const { exitCode, stderr } = await run(["sh", "-c", script, "sh", folder], signal, options);
  if (exitCode !== 0) throw refused(name, `${folder}: ${stderr}`);
}

/** Exit status of the script below where there is nothing to take. */
const NONE = 44;

async function takeByTar(
  run: Run,
  { root, path, name, to, signal }: { root: string; path: string; name: string; to: string; signal: AbortSignal },
): Promise<boolean> {
  const parts = checkedJobPath(path);
  // Links on the way are refused there; links within are left out here.
  const script = `cd "$1" 2>/dev/null || exit ${NONE}; shift; whole=; for part; do whole=$whole\${whole:+/}$part; [ ! -h "$whole" ] || exit 45; [ -e "$whole" ] || exit ${NONE}; done; exec tar -cf - -- "$whole"`;
  let isFound = false;
  let end: CommandEnd | undefined;
  const unpack = async (temporary: string): Promise<void> => {
    const onOutput = async (output: Readable): Promise<void> => {
      isFound = await unpackTar(output, { path, to: temporary, signal });
      output.resume(); // padding after the archive's end
    };
    end = await run(["sh", "-c", script, "sh", root, ...parts], signal, { onOutput, timeoutMs: 2 ** 31 - 1 });
    if (end.exitCode !== 0 || !isFound) throw new NothingTaken();
  };
  await appearWhole(to, unpack).catch((error: unknown) => {
    if (!(error instanceof NothingTaken)) throw error;
  });
  if (end?.exitCode === NONE) return false;
  if (end?.exitCode === 45) throw new AppError("file-denied", `${root}/${path}: the job left a link here`);
  if (end?.exitCode !== 0) throw refused(name, end?.stderr ?? "");
  return isFound;
}

class NothingTaken extends Error {}

async function readByTail(
  run: Run,
  { path, offset, signal }: { path: string; offset: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  const onOutput = async (output: Readable): Promise<void> => {
    for await (const chunk of output) chunks.push(chunk as Buffer);
  };
  const script = 'tail -c "+$2" -- "$1" 2>/dev/null | head -c 1048576';
  await run(["sh", "-c", script, "sh", path, String(offset + 1)], signal, { onOutput });
  return Buffer.concat(chunks);
}

const unreachable = (name: string, stderr: string): AppError =>
  new AppError("provider", `ssh ${name}: ${excerptOf(stderr)}`, {
    hint: `\`ssh ${name} true\` must work without a question: keys, agent or ~/.ssh/config`,
    isRetryable: true,
  });

const refused = (name: string, stderr: string): AppError =>
  new AppError("provider-permanent", `${name}: ${excerptOf(stderr)}`);
