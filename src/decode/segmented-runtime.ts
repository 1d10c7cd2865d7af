/** @file A runtime over a server that writes many tokens at a time: each request a row of segments, its ids taken as they come. */
import { AppError } from "../core/errors.ts";
import { FairTurns } from "./fair-turns.ts";
import type { Generation } from "./row.ts";
import {
  openSegmentedRow,
  type SegmentedRow,
  type SegmentRequest,
  type SegmentSource,
  type StreamedSource,
} from "./segments.ts";
import type { ThinkingOptions, ThinkingRequest, ThinkingRuntime } from "./thinking-runtime.ts";

/** What a runtime is beside its source. */
export interface SegmentedRuntimeOptions {
  /** Requests that are under way at once; the others wait. */
  readonly concurrency: number;
  /** What the source cannot do, in sentences for people. */
  readonly limits: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * A runtime over a server of completions. Where its ids can be taken as they come, what the machine has no use for is not
 * waited for: the server is left as soon as thinking is cut, continued or ended.
 */
export function segmentedRuntime(
  source: SegmentSource | StreamedSource,
  { concurrency, limits, close }: SegmentedRuntimeOptions,
): ThinkingRuntime {
  const turns = new FairTurns(concurrency);
  const closing = new AbortController();
  return {
    contextTokens: source.contextTokens,
    limits,
    canScore: false,
    get load() {
      return turns.load;
    },
    generate: async (request, { signal: given, caller = "", onEmit } = {}) => {
      const row = openRowOf(source, request, onEmit);
      const signal = given === undefined ? closing.signal : AbortSignal.any([given, closing.signal]);
      return await turns.run({ caller, signal }, () => writeRow(source, row, signal));
    },
    close: async () => {
      const error = new AppError("interrupted", "the runtime was closed");
      turns.close(error);
      closing.abort(error);
      await close();
    },
  };
}

function openRowOf(
  source: SegmentSource,
  { setting, delimiters, ...request }: ThinkingRequest,
  onEmit: ThinkingOptions["onEmit"],
): SegmentedRow {
  const { contextTokens, choosableIds, canHoldBackStops, maxSegmentTokens } = source;
  const place = { contextTokens, choosableIds, canHoldBackStops, maxSegmentTokens, delimiters };
  return openSegmentedRow({ ...request, settings: [setting], ...(onEmit === undefined ? {} : { onEmit }) }, place);
}

async function writeRow(
  source: SegmentSource | StreamedSource,
  row: SegmentedRow,
  signal: AbortSignal,
): Promise<Generation> {
  for (let wanted = row.next(); wanted !== undefined; wanted = row.next()) {
    if (signal.aborted)
      throw new AppError("interrupted", "decoding was interrupted", { cause: signal.reason, isRetryable: true });
    await writeSegment(source, { row, wanted, signal });
  }
  return row.generations[0] as Generation;
}

async function writeSegment(
  source: SegmentSource | StreamedSource,
  { row, wanted, signal }: { row: SegmentedRow; wanted: SegmentRequest; signal: AbortSignal },
): Promise<void> {
  if (!("stream" in source)) return row.accept(await source.write(wanted, signal));
  row.finish(await source.stream(wanted, (ids) => row.take(ids), signal));
}
