/** @file A command of this machine, run to its end: no shell, bounded output, ended by the signal. */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../core/errors.ts";
import { throwIfInterrupted } from "./interruption.ts";

/** How a command ended; texts are cut at the front past the limit, since errors stand at the end. */
export interface CommandEnd {
  /** null: ended by a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is unusual about running a command. */
export interface CommandOptions {
  /** What it reads from its standard input; nothing by default. */
  readonly input?: string | AsyncIterable<Uint8Array>;
  /** Takes its standard output as it comes, in place of `stdout`. */
  readonly onOutput?: (output: Readable) => Promise<void>;
  /** Of each of both outputs, kept. */
  readonly maxBytes?: number;
  /** Killed after so long. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

const MAX_BYTES = 1 << 20;

/**
 * Runs a command to its end.
 *
 * @throws AppError "usage" where there is no such command; "provider", which may be tried again, where it takes longer than it
 *   may; "interrupted" on the signal
 */
export async function runCommand(
  [file, ...args]: readonly [string, ...string[]],
  signal: AbortSignal,
  options: CommandOptions = {},
): Promise<CommandEnd> {
  throwIfInterrupted(signal);
  const child = spawn(file, args, {
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const kill = (): boolean => child.kill("SIGKILL");
  let isLate = false;
  const timer = setTimeout(() => (isLate = kill()), options.timeoutMs ?? 2 ** 31 - 1);
  signal.addEventListener("abort", kill, { once: true });
  try {
    const end = await endOf(child, options);
    throwIfInterrupted(signal);
    if (isLate) throw tooSlow(file, options.timeoutMs ?? 0);
    return end;
  } catch (error) {
    kill();
    throwIfInterrupted(signal);
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? noCommand(file, error) : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

async function endOf(child: ChildProcess, options: CommandOptions): Promise<CommandEnd> {
  const { input = "", onOutput, maxBytes = MAX_BYTES } = options;
  const stdout = child.stdout as Readable;
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
  const texts = Promise.all([
    onOutput === undefined ? lastOf(stdout, maxBytes) : onOutput(stdout).then(() => ""),
    lastOf(child.stderr as Readable, maxBytes),
  ]);
  // A command that ends before it has read everything shuts the pipe: its exit code tells more.
  const fed = pipeline(Readable.from(typeof input === "string" ? [input] : input), child.stdin as Writable).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_PREMATURE_CLOSE" && error.code !== "ECONNRESET")
        throw error;
    },
  );
  const [exitCode, [out, err]] = await Promise.all([closed, texts, fed]);
  return { exitCode, stdout: out, stderr: err };
}

/** The end of a stream's text, so many bytes at most. */
async function lastOf(stream: Readable, maxBytes: number): Promise<string> {
  let kept: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    kept.push(chunk);
    length += chunk.length;
    if (length <= 2 * maxBytes) continue;
    kept = [Buffer.concat(kept).subarray(-maxBytes)];
    length = maxBytes;
  }
  return Buffer.concat(kept).subarray(-maxBytes).toString("utf8");
}

const noCommand = (file: string, cause: unknown): AppError =>
  new AppError("usage", `there is no command ${file} here`, {
    cause,
    hint: "install it, or add its folder to PATH",
    data: { command: file },
  });

const tooSlow = (file: string, timeoutMs: number): AppError =>
  new AppError("provider", `${file} gave no answer in ${timeoutMs / 1000} s`, {
    isRetryable: true,
    data: { command: file, timeoutMs },
  });
