/** @file The error a person can act on. Expected outcomes (a wrong answer, a dropped row) are values, not errors. */

/** Everything an operational error can be, in one closed list; the command line maps each to an exit code. */
export type ErrorCode =
  | "usage"
  | "recipe-invalid"
  | "record-invalid"
  | "schema-version"
  | "file-missing"
  | "file-denied"
  | "file-corrupt"
  | "checkpoint-corrupt"
  | "tokenizer-corrupt"
  | "model-missing"
  | "disk-full"
  | "port-taken"
  | "run-locked"
  | "run-changed"
  | "limit-exceeded"
  | "budget-exceeded"
  | "network"
  | "provider"
  | "provider-permanent"
  | "engine"
  | "sandbox"
  | "interrupted";

/** What an {@link AppError} carries beyond its message. */
export interface ErrorDetails {
  /** What to do about it, one sentence in the imperative. */
  readonly hint?: string;
  /** The values behind the message, for `--json`. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Whether the same call may succeed later; decided where the error is made. */
  readonly isRetryable?: boolean;
}

/** An operational error: what happened, the value, the limit, and (as `hint`) what to do. Tested by `code`, not by text. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly isRetryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = details.hint;
    this.data = details.data ?? {};
    this.isRetryable = details.isRetryable ?? false;
  }
}

/** Throws a plain Error when `condition` is false: a bug in Grappa, never a user's mistake. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug in grappa: ${message}`);
}
