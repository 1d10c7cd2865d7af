import { AppError } from "../core/errors.ts";
import { printable } from "./printable.ts";

/** An error as a person reads it: what happened, then what to do. A bug shows its stack and where to report it. */
export function describeError(error: unknown): string {
  if (error instanceof AppError) {
    const hint = error.hint === undefined ? "" : `\nhint: ${printable(error.hint)}`;
    return `error: ${printable(error.message)}${hint}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `this is a bug in grappa, please report it with what you did:\n${printable(stack)}`;
}

/** The same for `--json`. */
export function errorAsJson(error: unknown): { readonly error: Readonly<Record<string, unknown>> } {
  if (error instanceof AppError) {
    const { code, message, hint = null, isRetryable, data } = error;
    return { error: { code, message, hint, isRetryable, data } };
  }
  return {
    error: {
      code: "bug",
      message: error instanceof Error ? error.message : String(error),
      hint: null,
      isRetryable: false,
      data: {},
    },
  };
}
