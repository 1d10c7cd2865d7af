import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { openRow, type Generation, type Row, type RowRequest } from "./row.ts";
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
  options: GenerateOptions,
): Promise<(readonly Generation[])[]> {
  const place = { delimiters: options.delimiters, contextTokens: source.contextTokens };
  const results: (readonly Generation[])[] = [];
  const waiting = requests.values();
  const open = (slot: number): Row | undefined => {
    const request = waiting.next();
    if (request.done) return undefined;
    const row = openRow(request.value, { ...place, slot });
    results.push(row.generations);
    return row;
  };
  const report = progressReporter(requests, results, options.onProgress);
  const active: (Row | undefined)[] = Array.from({ length: source.slots }, (_, slot) => open(slot));
  for (;;) {
    const round = active.flatMap((_, slot) => nextCall(active, slot, { source, open }) ?? []);
    report();
    if (round.length === 0) return results;
    throwIfAborted(options.signal);
    const tokens = await source.extend(round.map(({ call }) => call));
    round.forEach(({ row }, index) => row.accept(tokens[index] as number));
  }
}

/** The slot's next model call; opens the next request when the slot's row is finished, undefined when none is left. */
function nextCall(
  active: (Row | undefined)[],
  slot: number,
  { source, open }: { source: TokenSource; open: (slot: number) => Row | undefined },
) {
  for (let row = active[slot]; row !== undefined; row = active[slot]) {
    const wanted = row.next();
    if (wanted !== undefined) {
      if (wanted.truncateTo !== undefined) source.truncate(slot, wanted.truncateTo);
      return { row, call: wanted.call };
    }
    active[slot] = open(slot);
  }
  return undefined;
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

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new AppError("interrupted", "decoding was interrupted", { cause: signal.reason, isRetryable: true });
  }
}
