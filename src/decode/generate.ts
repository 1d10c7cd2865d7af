import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { ContinuousBatch, givenUp } from "./continuous-batch.ts";
import type { Generation, RowRequest } from "./row.ts";
import type { BudgetSetting } from "./thinking-budget.ts";
import type { TokenSource } from "./token-source.ts";

/** One prompt under one setting. */
export interface GenerateRequest extends Omit<RowRequest, "settings"> {
  readonly setting: BudgetSetting;
}

/** What all rows of a call share. */
export interface GenerateOptions {
  readonly delimiters: ThinkingDelimiters;
  /** Ends the call with an `interrupted` error between two model calls. */
  readonly signal?: AbortSignal;
  /** Called as generations end, with how many of how many have. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Decodes every request, as many together as the source has slots; a finished row's slot goes to the next request at
 * once. The source's slots are taken over whatever they held.
 *
 * @returns one generation a request, in order; a request's result does not depend on the others
 * @throws {AppError} limit-exceeded (a prompt too long), engine (the model failed), interrupted (the signal)
 */
export async function generate(
  source: TokenSource,
  requests: readonly GenerateRequest[],
  options: GenerateOptions,
): Promise<Generation[]> {
  const rows = requests.map(({ setting, ...request }) => ({ ...request, settings: [setting] }));
  return (await decodeRows(source, rows, options)).flat();
}

/** As {@link generate}, with any number of settings to a prompt: one array a prompt, in the order of its settings. */
export async function decodeRows(
  source: TokenSource,
  requests: readonly RowRequest[],
  { delimiters, signal, onProgress }: GenerateOptions,
): Promise<(readonly Generation[])[]> {
  const results: (readonly Generation[])[] = [];
  const report = progressReporter(requests, results, onProgress);
  // Looked at before each model call rather than by a listener for each of thousands of rows.
  const batch = new ContinuousBatch(source, delimiters, () => {
    if (signal?.aborted === true) throw givenUp(signal);
    report();
  });
  const jobs = requests.map((request) => batch.decode(request));
  results.push(...jobs.map(({ generations }) => generations));
  try {
    return await Promise.all(jobs.map(({ done }) => done));
  } catch (error) {
    batch.close(new AppError("interrupted", "another request of the call failed", { cause: error }));
    await Promise.allSettled(jobs.map(({ done }) => done));
    throw error;
  }
}

function progressReporter(
  requests: readonly RowRequest[],
  results: readonly (readonly Generation[])[],
  onProgress: GenerateOptions["onProgress"],
): () => void {
  const total = requests.reduce((sum, request) => sum + request.settings.length, 0);
  let reported = 0;
  if (onProgress === undefined) return () => undefined;
  return () => {
    const done = results.reduce((sum, generations) => sum + generations.length, 0);
    if (done > reported) onProgress(done, total);
    reported = done;
  };
}
