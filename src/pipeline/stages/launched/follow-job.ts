/** @file Watches one job to its end: its log line by line, its status between; what fails for now is tried again. */
import type { JobHandle, JobStatus, Launcher } from "../../../adapters/launchers/launcher.ts";
import type { Waiting } from "../../../adapters/teacher/retry-delay.ts";
import { AppError } from "../../../core/errors.ts";

/** What watching needs. */
export interface FollowPorts {
  readonly launcher: Launcher;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
  warn(message: string): void;
  /** Each line of the job's log. Lines repeat, and may hold anything. */
  onLine(line: string): void;
  /** Told of each look; a reason has the job cancelled. */
  onStatus(status: JobStatus): string | undefined;
}

/** How a job ended. */
export interface FollowedEnd {
  readonly status: JobStatus;
  /** Why we cancelled it; undefined where we did not. */
  readonly stopReason: string | undefined;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Calls in a row that may fail for now: with the pauses between them, some half an hour. */
const PATIENCE = 40;
const LONGEST_RETRY_MS = 60_000;
/** After the end the log may still bring its last lines. */
const LAST_LINES_MS = 3_000;

/** Whether a job has ended. */
export function hasEnded({ state }: JobStatus): boolean {
  return state !== "queued" && state !== "running";
}

/**
 * Watches a job to its end.
 * @throws {AppError} "interrupted" on the signal, the job going on; what the launcher throws for good.
 */
export async function followJob(handle: JobHandle, ports: FollowPorts): Promise<FollowedEnd> {
  const { launcher, signal } = ports;
  const ended = new AbortController();
  const lines = readLog(handle, ports, AbortSignal.any([signal, ended.signal]));
  try {
    let stopReason: string | undefined;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
      const status = await patiently(() => launcher.status(handle, signal), ports);
      const reason = ports.onStatus(status);
      if (hasEnded(status)) {
        await Promise.race([lines, ports.waiting.sleep(LAST_LINES_MS, signal)]);
        return { status, stopReason };
      }
      if (reason !== undefined && stopReason === undefined) {
        stopReason = reason;
        await patiently(() => launcher.cancel(handle, signal), ports);
      }
      await ports.waiting.sleep(pause, signal);
      if (signal.aborted) throw interruptedBy(signal);
    }
  } finally {
    ended.abort();
    await Promise.race([lines, ports.waiting.sleep(LAST_LINES_MS, NEVER)]);
  }
}

const NEVER = new AbortController().signal;

/** A log that breaks for good costs the view of the job, not the job: `events.jsonl` has the truth. */
async function readLog(handle: JobHandle, { launcher, onLine, warn }: FollowPorts, signal: AbortSignal): Promise<void> {
  try {
    for await (const line of launcher.logs(handle, signal)) {
      if (signal.aborted) return;
      onLine(line);
    }
  } catch (error) {
    if (!signal.aborted) warn(`the job's log cannot be read (${messageOf(error)}); it goes on`);
  }
}

/** Tries again what may work later, with growing pauses. Throws "interrupted" on the signal. */
export async function patiently<T>(
  call: () => Promise<T>,
  { waiting, signal, warn }: Pick<FollowPorts, "waiting" | "signal" | "warn">,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted) throw interruptedBy(signal);
      if (!mayPass(error) || tries >= PATIENCE) throw error;
      if (tries === 3) warn(`${messageOf(error)}; trying again`);
      await waiting.sleep(Math.min(LONGEST_RETRY_MS, FIRST_PAUSE_MS * 1.5 ** tries), signal);
      if (signal.aborted) throw interruptedBy(signal);
    }
  }
}

/** Whether an error may go away by itself. */
export function mayPass(error: unknown): boolean {
  return error instanceof AppError && (error.isRetryable || error.code === "provider" || error.code === "network");
}

function interruptedBy(signal: AbortSignal): AppError {
  return signal.reason instanceof AppError
    ? signal.reason
    : new AppError("interrupted", "stopped while the job runs", { cause: signal.reason, isRetryable: true });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
