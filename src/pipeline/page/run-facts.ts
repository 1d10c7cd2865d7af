/** @file What the page reads of a run each time it looks: small files only. What is dear is read elsewhere, and kept. */
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import type { ProcessIdentity, ProcessTable } from "../../adapters/process-table.ts";
import { AppError } from "../../core/errors.ts";
import {
  STAGE_NAMES,
  type RunEventLine,
  type RunHeader,
  type RunManifest,
  type Timing,
} from "../../schema/manifest.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { RunSummary } from "../../schema/result.ts";
import { parseRecord } from "../parse-record.ts";
import { readHeader, readRecipe, readRunManifest, readTimings } from "../run-folder.ts";
import { lockHolder } from "../run-lock.ts";
import { stageStatuses, type StageStatus } from "../run-status.ts";
import type { EventLog } from "./event-log.ts";

const MAX_RESULT_BYTES = 16 * 1024 * 1024;

/** A run by its small files. */
export interface RunFacts {
  readonly name: string;
  readonly folder: string;
  readonly header: RunHeader;
  readonly recipe: Recipe | undefined;
  /** Undefined while the run is not complete. */
  readonly manifest: RunManifest | undefined;
  /** What it came to; undefined before the report, or where that cannot be read. */
  readonly result: RunSummary | undefined;
  /** Why `result` cannot be read. */
  readonly problem: string | null;
  /** The process that works on it. */
  readonly holder: ProcessIdentity | null;
  /** Its number. */
  readonly pid: number | null;
  readonly events: readonly RunEventLine[];
  readonly timings: readonly Timing[];
  readonly stages: readonly StageStatus[];
}

/** Where to look. */
export interface FactsPlace {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly name: string;
  readonly folder: string;
  readonly log: EventLog;
}

/**
 * Reads a run's small files; works while another process writes them.
 *
 * @throws AppError "record-invalid", "schema-version", "file-missing" and the like: what the run is cannot be told.
 */
export async function readFacts({ fs, processes, name, folder, log }: FactsPlace): Promise<RunFacts> {
  const header = await readHeader(fs, folder);
  if (header === undefined) throw new AppError("file-missing", `${folder}: run.json is missing`);
  const holder = (await lockHolder(fs, processes, folder)) ?? null;
  const [events, timings] = [await log.read(), await readTimings(fs, folder)];
  const manifest = await readRunManifest(fs, folder);
  return {
    name,
    folder,
    header,
    recipe: await readRecipe(fs, folder),
    manifest,
    holder,
    pid: holder?.pid ?? null,
    events,
    timings,
    stages: stageStatuses(events, timings, holder !== null),
    ...(manifest === undefined ? { result: undefined, problem: null } : await readResult(fs, folder)),
  };
}

async function readResult(fs: FileSystem, folder: string): Promise<Pick<RunFacts, "result" | "problem">> {
  const path = joinPath(folder, "result.json");
  try {
    return { result: parseRecord(await fs.readText(path, MAX_RESULT_BYTES), RunSummary, path), problem: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { result: undefined, problem: `${error.message}; \`grappa report\` writes it again` };
  }
}

/** The stage that is under way, or at which the run stopped; undefined where none is. */
export function presentStage({ stages }: RunFacts): StageStatus | undefined {
  return stages.find(({ status }) => status !== "done" && status !== "waiting");
}

/** What the run trains, by the base's name. */
export function studentOf({ recipe }: RunFacts): string | null {
  return recipe === undefined ? null : (recipe.student.base.split(/[\\/]/).at(-1) ?? null);
}

/** Keys of the stages that are done, as one word: equal words, equal outputs. */
export function doneStamp({ events, stages }: RunFacts): string {
  const done = new Set(stages.filter(({ status }) => status === "done").map(({ stage }) => stage));
  const keys = new Map(events.flatMap(({ stage, key }) => (stage && key && done.has(stage) ? [[stage, key]] : [])));
  return STAGE_NAMES.map((stage) => keys.get(stage) ?? "").join("/");
}
