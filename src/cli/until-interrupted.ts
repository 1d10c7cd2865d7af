import { AppError } from "../core/errors.ts";
import type { CliContext } from "./context.ts";

/**
 * Does work that the first Ctrl-C or SIGTERM stops through its signal; the second has its usual effect.
 *
 * @param hint how to go on, for the error that the signal carries
 */
export async function untilInterrupted<T>(
  { process, onInterrupt }: Pick<CliContext, "process" | "onInterrupt">,
  hint: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stopListening = onInterrupt(() => {
    process.stderr.write("\nstopping (once more to stop at once)\n");
    controller.abort(new AppError("interrupted", "stopped by the user", { hint, isRetryable: true }));
  });
  try {
    return await work(controller.signal);
  } catch (error) {
    // What was stopped may say so in its own words; the user pressed Ctrl-C and wants to know how to go on.
    const isHintless = isInterruption(error) && (error as AppError).hint !== hint;
    throw controller.signal.aborted && isHintless ? controller.signal.reason : error;
  } finally {
    stopListening();
  }
}

function isInterruption(error: unknown): boolean {
  return (error instanceof AppError && error.code === "interrupted") || (error as Error).name === "AbortError";
}
