import type { FileSystem } from "../adapters/file-system.ts";
import type { ProcessTable } from "../adapters/process-table.ts";
import { AppError } from "../core/errors.ts";
import { type RunEventLine, STAGE_NAMES, type StageName, type Timing } from "../schema/manifest.ts";
import { readEvents, readHeader, readRunManifest, readTimings } from "./run-folder.ts";
import { lockHolder } from "./run-lock.ts";
import { stageSeconds } from "./stage-seconds.ts";

/** One stage of a run, as its journal tells it. */
export interface StageStatus {
  readonly stage: StageName;
  readonly status: "done" | "running" | "stopped" | "failed" | "waiting";
  readonly seconds: number;
  /** What came out, how far it is, or what went wrong. */
  readonly note: string;
}

/** A run as seen from outside. */
export interface RunStatus {
  readonly run: string;
  readonly folder: string;
  readonly isComplete: boolean;
  /** Process that works on it now. */
  readonly pid: number | null;
  readonly stages: readonly StageStatus[];
}

/**
 * Where a run stands, without touching it; works while another process writes it.
 *
 * @throws AppError "file-missing" when the folder holds no run; "schema-version" when another grappa wrote it.
 */
export async function readRunStatus(fs: FileSystem, processes: ProcessTable, folder: string): Promise<RunStatus> {
  const header = await readHeader(fs, folder);
  if (!header)
    throw new AppError("file-missing", `${folder}: no run there`, {
      hint: "runs are in runs/; `grappa demo` makes one",
      data: { folder },
    });
  const manifest = await readRunManifest(fs, folder);
  const holder = await lockHolder(fs, processes, folder);
  const events = await readEvents(fs, folder);
  const stages = stageStatuses(events, await readTimings(fs, folder), holder !== undefined);
  return { run: header.run, folder, isComplete: manifest !== undefined, pid: holder?.pid ?? null, stages };
}

/** Where each of the nine stages stands, by the run's events and timings. */
export function stageStatuses(
  events: readonly RunEventLine[],
  timings: readonly Timing[],
  isRunning: boolean,
): StageStatus[] {
  const latest = latestByStage(events);
  const keys = Object.fromEntries([...latest].map(([stage, { key }]) => [stage, key]));
  const seconds = stageSeconds(keys, timings, events);
  return STAGE_NAMES.map((stage): StageStatus => {
    const { status, note } = describeStage(latest.get(stage), isRunning);
    return { stage, status, note, seconds: seconds.get(stage) ?? 0 };
  });
}

/** What was last heard of a stage. */
export interface Latest {
  readonly key: string | undefined;
  readonly event: RunEventLine;
  /** What the stage said when it last completed. */
  readonly outcome: string;
}

/** The newest events of each stage; those of stages that ran before an earlier one ran again no longer hold. */
export function latestByStage(events: readonly RunEventLine[]): Map<StageName, Latest> {
  const latest = new Map<StageName, Latest>();
  for (const event of events) {
    const { stage } = event;
    if (stage === undefined || event.type === "warning") continue;
    const before = latest.get(stage);
    const outcome =
      event.type === "stage-end"
        ? (event.note ?? "")
        : before?.key === (event.key ?? before?.key)
          ? (before?.outcome ?? "")
          : "";
    latest.set(stage, { key: event.key ?? before?.key, event, outcome });
    if (event.type === "stage-start")
      for (const later of STAGE_NAMES.slice(STAGE_NAMES.indexOf(stage) + 1)) latest.delete(later);
  }
  return latest;
}

function describeStage(latest: Latest | undefined, isRunning: boolean): Pick<StageStatus, "status" | "note"> {
  if (!latest) return { status: "waiting", note: "" };
  const { event, outcome } = latest;
  switch (event.type) {
    case "stage-end":
    case "stage-skip":
      return { status: "done", note: outcome };
    case "stage-fail":
      return { status: event.note?.startsWith("interrupted") ? "stopped" : "failed", note: event.note ?? "" };
    default: {
      const progress =
        event.total === undefined ? "" : `${event.done ?? 0} of ${event.total} ${event.unit ?? ""}`.trim();
      return { status: isRunning ? "running" : "stopped", note: progress };
    }
  }
}
