import { AppError, type ErrorCode } from "../core/errors.ts";

/** Exit status of everything that can go wrong; docs/cli.md explains them, and they stay what they are between versions. */
const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  "recipe-invalid": 3,
  "record-invalid": 4,
  "schema-version": 4,
  "file-missing": 4,
  "file-denied": 4,
  "file-corrupt": 4,
  "checkpoint-corrupt": 4,
  "tokenizer-corrupt": 4,
  "model-missing": 4,
  "disk-full": 5,
  "port-taken": 5,
  "run-locked": 6,
  "run-changed": 6,
  "limit-exceeded": 7,
  "budget-exceeded": 7,
  network: 8,
  provider: 8,
  "provider-permanent": 8,
  engine: 9,
  sandbox: 9,
  interrupted: 130,
};

/** All went well. */
export const EXIT_OK = 0;
/** A bug in grappa. */
export const EXIT_BUG = 1;
/** A command line that says nothing we know. */
export const EXIT_USAGE = EXIT_CODES.usage;

/** The exit status for whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError ? EXIT_CODES[error.code] : EXIT_BUG;
}

/** The exit status for what the argument scanner ended with: its own faults are negative. */
export function exitCodeOfScanner(code: number | string | null | undefined): number {
  const number = Number(code ?? 0);
  if (number >= 0) return number;
  return number === -4 || number === -5 ? EXIT_USAGE : EXIT_BUG;
}
