import type { FileSystem } from "../adapters/file-system.ts";
import type { Clock } from "../adapters/system-clock.ts";
import { AppError } from "../core/errors.ts";
import type { RunEventLine } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import type { RunEvent, RunObserver } from "./run-events.ts";
import { appendEvent } from "./run-folder.ts";

/** Progress of one stage is written at most this often, milliseconds. */
const PROGRESS_EVERY_MS = 2000;

/** An observer that also writes the journal. */
export interface EventJournal {
  readonly observe: RunObserver;
  /** Resolves when every event so far is on disk; rejects with the first failure, once. */
  flush(): Promise<void>;
}

/** Passes events on and keeps them in the run's `events.jsonl`, in order, without making anybody wait. */
export function recordEvents(
  ports: { readonly fs: FileSystem; readonly clock: Clock; readonly observe: RunObserver },
  folder: string,
): EventJournal {
  const { fs, clock } = ports;
  let tail = Promise.resolve();
  let failure: unknown;
  let lastProgress = Number.NEGATIVE_INFINITY;
  const isDue = (event: RunEvent): boolean => {
    if (event.type !== "stage-progress") return true;
    if (clock.now() - lastProgress < PROGRESS_EVERY_MS) return false;
    lastProgress = clock.now();
    return true;
  };
  return {
    observe: (event) => {
      ports.observe(event);
      if (!isDue(event)) return;
      const line = describeEvent(event, clock.date());
      tail = tail
        .then(() => appendEvent(fs, folder, line))
        .catch((error: unknown) => {
          failure ??= error;
        });
    },
    flush: async () => {
      await tail;
      const error = failure;
      failure = undefined;
      if (error !== undefined) throw error;
    },
  };
}

function describeEvent(event: RunEvent, at: string): RunEventLine {
  const line = { schemaVersion: SCHEMA_VERSION, at, type: event.type } as const;
  switch (event.type) {
    case "stage-progress":
      return {
        ...line,
        stage: event.stage,
        done: event.done,
        total: event.total,
        unit: event.unit,
        ...(event.note === undefined ? {} : { note: event.note }),
      };
    case "stage-end":
      return { ...line, stage: event.stage, key: event.key, note: event.note };
    case "stage-fail":
      return { ...line, stage: event.stage, key: event.key, note: describeFailure(event.error) };
    case "stage-start":
      return { ...line, stage: event.stage, key: event.key, note: event.isResumed ? "resumed" : "" };
    case "stage-skip":
      return { ...line, stage: event.stage, key: event.key };
    case "warning":
      return { ...line, ...(event.stage === undefined ? {} : { stage: event.stage }), note: event.message };
    case "run-start":
    case "run-end":
      return { ...line, note: event.run };
    default:
      return event satisfies never;
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof AppError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
