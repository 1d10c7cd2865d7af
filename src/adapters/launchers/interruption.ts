import { setTimeout as wait } from "node:timers/promises";
import { AppError } from "../../core/errors.ts";

/** Throws AppError "interrupted" once the signal has aborted. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const { reason } = signal;
  throw reason instanceof AppError && reason.code === "interrupted" ? reason : interruption(reason);
}

/** Waits so long, or until the signal aborts: that is an AppError "interrupted". */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  throwIfInterrupted(signal);
  await wait(ms, undefined, { signal }).catch(() => throwIfInterrupted(signal));
}

const interruption = (cause: unknown): AppError =>
  new AppError("interrupted", "stopped by the user", { cause, isRetryable: true });
