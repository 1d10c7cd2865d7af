import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { Generation, RowRequest } from "./row.ts";
import { openSegmentedRow, type SegmentedRow, type SegmentSource } from "./segments.ts";

/** A prompt for a server, with what is known of it from before. */
export interface SegmentedRequest extends RowRequest {
  /** Choices of settings that were decoded before, by their place in `settings`. */
  readonly known?: ReadonlyMap<number, readonly number[]>;
}

/** One setting of one prompt, done. */
export interface DoneSetting {
  readonly request: SegmentedRequest;
  /** The setting's place in `request.settings`. */
  readonly place: number;
  readonly generation: Generation;
  /** Every token that the model chose; see `Row`. */
  readonly choices: readonly number[];
}

/** What all rows of a call share. */
export interface DecodeSegmentsOptions {
  readonly delimiters: ThinkingDelimiters;
  /** Prompts asked at once; changes no result. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Called as a setting ends that was not known before; awaited before the prompt goes on. */
  readonly onSetting?: (done: DoneSetting) => void | Promise<void>;
}

/**
 * Decodes prompts at a server, each under its settings one after another; give these in the order of `sweepOrder`. After a
 * failure nothing new is begun, and what is under way is left.
 *
 * @returns one array of generations a prompt, in order
 * @throws {AppError} limit-exceeded (a prompt too long), interrupted (the signal), and as `SegmentSource.write`
 */
export async function decodeSegments(
  source: SegmentSource,
  requests: readonly SegmentedRequest[],
  options: DecodeSegmentsOptions,
): Promise<(readonly Generation[])[]> {
  const results: (readonly Generation[])[] = [];
  const waiting = requests.entries();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    for (const [index, request] of waiting) {
      if (hasFailed) return;
      results[index] = await decodeOne(source, request, options);
    }
  };
  const workers = Array.from({ length: Math.min(options.concurrency, requests.length) }, () =>
    work().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return results;
}

async function decodeOne(
  source: SegmentSource,
  request: SegmentedRequest,
  { delimiters, signal, onSetting }: DecodeSegmentsOptions,
): Promise<readonly Generation[]> {
  const { known } = request;
  const row = openSegmentedRow(request, { ...source, delimiters, ...(known === undefined ? {} : { known }) });
  let told = 0;
  for (;;) {
    const wanted = row.next();
    for (; told < row.generations.length; told++) {
      if (!known?.has(told)) await onSetting?.(doneSetting(request, row, told));
    }
    if (wanted === undefined) return row.generations;
    if (signal?.aborted) {
      throw new AppError("interrupted", "decoding was interrupted", { cause: signal.reason, isRetryable: true });
    }
    row.accept(await source.write(wanted, signal));
  }
}

function doneSetting(request: SegmentedRequest, row: SegmentedRow, place: number): DoneSetting {
  const generation = row.generations[place];
  const choices = row.choices[place];
  if (generation === undefined || choices === undefined)
    throw new Error("bug in grappa: a setting ended without a row");
  return { request, place, generation, choices };
}
