/**
 * @file A child process that cannot outlive its limits: capped output, a wall clock, memory of all that came from it, a kill of
 * the whole process group. It says how the process ended and interprets nothing; what a sandbox makes of that is in
 * `run-status.ts`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { withNothingInherited } from "./inherited-descriptors.ts";
import { processTree, residentBytes } from "./process-tree.ts";

/** What to start. */
export interface ProcessCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Texts that the process reads from descriptors 3, 4, ...; each ends after its text. */
  readonly inputs?: readonly string[];
  /** Whether the descriptor after those is one that the process writes and we keep, at most 64 KiB. */
  readonly hasReport?: boolean;
}

/** One use of it. */
export interface ProcessUse {
  readonly stdin: string;
  readonly wallMs: number;
  /** Of standard output and standard error, each. */
  readonly outputBytes: number;
  /** Of the process and all that came from it together; looked at ten times a second, on Linux only. No limit by default. */
  readonly memoryBytes?: number;
}

/** How it ended; `failed`: it could not be started. */
export interface ProcessEnd {
  readonly cause: "exited" | "timeout" | "output_limit" | "memory_limit" | "failed";
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
  readonly report: string;
  readonly wallMs: number;
}

const REPORT_BYTES = 65_536;
/** How long pipes may stay open after the process has ended: a descendant that left the group could hold them for ever. */
const DRAIN_MS = 250;
/** How often memory is looked at: a tree of a few processes takes a tenth of a millisecond. */
const MEMORY_MS = 100;

/** A started process. */
export class BoundedProcess {
  readonly #child: ChildProcess;
  readonly #report: CappedText | undefined;
  /** Resolves when the process has ended and its pipes are shut; made at once, since a process may end before anybody asks. */
  readonly #closed: Promise<void>;
  #startError: Error | undefined;

  constructor(command: ProcessCommand) {
    const inputs = command.inputs ?? [];
    const extra = [...inputs, ...(command.hasReport ? [""] : [])];
    const pipes = Array.from({ length: 3 + extra.length }, () => "pipe" as const);
    this.#child = withNothingInherited(pipes.length, (rest) =>
      spawn(command.file, [...command.args], {
        env: { ...command.env },
        ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
        detached: true, // a group of its own, so that one signal reaches all of it
        stdio: [...pipes, ...rest],
      }),
    );
    this.#closed = new Promise((resolve) => {
      this.#child.once("close", () => resolve());
      this.#child.once("error", (error) => {
        this.#startError = error;
        resolve();
      });
    });
    this.#child.once("exit", () => this.#letGo());
    for (const stream of this.#child.stdio) stream?.on("error", ignoreClosedPipe);
    inputs.forEach((text, index) => (this.#child.stdio[3 + index] as Writable).end(text));
    if (command.hasReport)
      this.#report = new CappedText(this.#child.stdio[3 + inputs.length] as Readable, REPORT_BYTES);
  }

  /** Resolves when the report holds a whole line, or the process has ended without one. */
  async firstReport(): Promise<string> {
    const report = this.#report;
    if (report === undefined) return "";
    const line = new Promise<void>((resolve) => {
      report.onData = () => report.text.includes("\n") && resolve();
      report.onData();
    });
    await Promise.race([line, this.#closed]);
    return report.text;
  }

  /** Gives it its standard input and waits for its end. Rejects with the signal's reason when aborted, the process killed. */
  async finish(use: ProcessUse, signal: AbortSignal): Promise<ProcessEnd> {
    const child = this.#child;
    const start = performance.now();
    let cause: ProcessEnd["cause"] = "exited";
    const stop = (why: ProcessEnd["cause"]): void => {
      if (child.exitCode === null && child.signalCode === null && cause === "exited") cause = why;
      this.kill();
    };
    const stdout = new CappedText(child.stdout as Readable, use.outputBytes, () => stop("output_limit"));
    const stderr = new CappedText(child.stderr as Readable, use.outputBytes, () => stop("output_limit"));
    const abort = (): void => this.kill();
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => stop("timeout"), use.wallMs);
    const watch = this.#watchMemory(use.memoryBytes, () => stop("memory_limit"));
    if (signal.aborted) abort();
    (child.stdin as Writable).end(use.stdin);
    await this.#closed;
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener("abort", abort);
    signal.throwIfAborted();
    return {
      cause: this.#startError === undefined ? cause : "failed",
      exitCode: this.#startError === undefined ? child.exitCode : null,
      signal: child.signalCode,
      stdout: stdout.text,
      stdoutBytes: stdout.bytes,
      stderr: this.#startError === undefined ? stderr.text : this.#startError.message,
      report: this.#report?.text ?? "",
      wallMs: performance.now() - start,
    };
  }

  /** Kills the group; silent when it is gone. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, "SIGKILL");
      } catch {
        continue; // gone already
      }
    }
  }

  #watchMemory(bytes: number | undefined, onOver: () => void): NodeJS.Timeout | undefined {
    const { pid } = this.#child;
    if (bytes === undefined || pid === undefined) return undefined;
    return setInterval(() => residentBytes(processTree(pid)) > bytes && onOver(), MEMORY_MS);
  }

  /** Kills what an ended process left in its group, and shuts its pipes a little later, should anything still hold them. */
  #letGo(): void {
    this.kill();
    setTimeout(() => {
      for (const stream of this.#child.stdio) stream?.destroy();
    }, DRAIN_MS).unref();
  }
}

/** Starts a process and waits for its end. */
export async function runProcess(command: ProcessCommand, use: ProcessUse, signal: AbortSignal): Promise<ProcessEnd> {
  signal.throwIfAborted();
  return await new BoundedProcess(command).finish(use, signal);
}

/** The first bytes of a stream as text; calls back once when there are more, and reads on only to throw away. */
class CappedText {
  onData: () => void = () => undefined;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(stream: Readable, maxBytes: number, onOver: () => void = () => undefined) {
    let isOver = false;
    stream.on("data", (chunk: Buffer) => {
      const room = maxBytes - this.#length;
      if (room > 0) this.#chunks.push(chunk.subarray(0, room));
      this.#length += Math.min(room, chunk.length);
      if (chunk.length > room && !isOver) {
        isOver = true;
        onOver();
      }
      this.onData();
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }
}

/** The process may end before it has read what we write; its end is reported by itself. */
function ignoreClosedPipe(): void {}
