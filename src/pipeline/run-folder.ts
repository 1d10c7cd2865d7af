/**
 * @file A run's folder:
 *
 *     run.json               written first: which grappa's files these are
 *     recipe.resolved.json   the whole recipe, defaults filled in; itself a recipe that can be run
 *     stages/<name>-<key>/   one finished or unfinished stage each
 *     journal/               what was paid for; survives every change of recipe
 *     timings.jsonl          what each try took; events.jsonl what happened: both outside every hash
 *     manifest.json          written last
 */
import { basename } from "node:path";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import type { ProcessTable } from "../adapters/process-table.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/hash.ts";
import { RunEventLine, RunHeader, RunManifest, Timing } from "../schema/manifest.ts";
import { Recipe } from "../schema/recipe.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import { isHubBase } from "./hub-base.ts";
import { withKeyFiles } from "./key-files.ts";
import { parseRecord } from "./parse-record.ts";
import { lockRun, type RunLock } from "./run-lock.ts";
import { moveTeacher, withoutFolder, withoutPlaces } from "./sources/source-places.ts";

const HEADER = "run.json";
const RECIPE = "recipe.resolved.json";
const MANIFEST = "manifest.json";
const TIMINGS = "timings.jsonl";
const EVENTS = "events.jsonl";
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Path of the journal that outlives stages. */
export function journalFolder(runFolder: string): string {
  return joinPath(runFolder, "journal");
}

/** What opening a run needs. */
export interface OpenRunOptions {
  readonly folder: string;
  readonly recipe: Recipe;
  /** This grappa's version, for a new run's header. */
  readonly version: string;
  /** The command that makes the same run, for a new run's header. */
  readonly command: string;
  /** Lets a changed recipe into an existing run; every stage that the change does not touch is kept. */
  readonly mayChange: boolean;
  /** Empties an existing run first. */
  readonly isFresh: boolean;
}

/**
 * Creates or opens a run for writing, and locks it.
 *
 * @throws AppError "run-locked"; "run-changed" when the folder holds a run of another recipe and `mayChange` is false,
 *   naming the fields; "schema-version" when another grappa wrote it; "file-denied" when it holds something else.
 */
export async function openRun(fs: FileSystem, processes: ProcessTable, options: OpenRunOptions): Promise<RunLock> {
  const { folder, recipe } = options;
  await fs.makeFolder(folder);
  await refuseForeignFolder(fs, folder);
  const lock = await lockRun(fs, processes, folder);
  try {
    if (options.isFresh) await emptyRun(fs, folder);
    if (!(await readHeader(fs, folder))) await writeHeader(fs, folder, options);
    const earlier = await readRecipe(fs, folder);
    const changes = earlier ? changedFields(comparable(earlier), comparable(recipe)) : [];
    if (changes.length > 0 && !options.mayChange) throw runChanged(folder, changes);
    if (changes.length > 0) await writeHeader(fs, folder, options);
    for (const name of await fs.names(folder)) if (name.endsWith(".tmp")) await fs.remove(joinPath(folder, name));
    await fs.writeAtomic(joinPath(folder, RECIPE), recipeText(recipe));
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The resolved recipe with the version of its format in front. */
function recipeText(recipe: Recipe): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...recipe }, null, 2)}\n`;
}

/** A folder with files and no header of ours is somebody's work, not a run. */
async function refuseForeignFolder(fs: FileSystem, folder: string): Promise<void> {
  const names = await fs.names(folder);
  if (names.every((name) => name.startsWith("lock.json") || name.startsWith(HEADER)) || names.includes(HEADER)) return;
  throw new AppError("file-denied", `${folder}: not a run folder, and not empty (${names.length} entries)`, {
    hint: "choose another with --run DIR",
  });
}

/** Removes all but the lock; the header goes last, so that a crash leaves something that is still known as a run. */
async function emptyRun(fs: FileSystem, folder: string): Promise<void> {
  const names = (await fs.names(folder)).filter((name) => !name.startsWith("lock.json"));
  for (const name of [MANIFEST, ...names.filter((other) => other !== HEADER), HEADER])
    await fs.remove(joinPath(folder, name));
}

/** Marks a run as ours, with the command that makes it. */
async function writeHeader(fs: FileSystem, folder: string, { version, command }: OpenRunOptions): Promise<void> {
  const header: RunHeader = { schemaVersion: SCHEMA_VERSION, run: basename(folder), createdBy: version, command };
  await fs.writeAtomic(joinPath(folder, HEADER), `${JSON.stringify(header, null, 2)}\n`);
}

/** The run's header; undefined when the folder holds no run. Throws "schema-version" when another grappa wrote it. */
export async function readHeader(fs: FileSystem, folder: string): Promise<RunHeader | undefined> {
  const path = joinPath(folder, HEADER);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_FILE_BYTES), RunHeader, path);
}

function runChanged(folder: string, changes: readonly string[]): AppError {
  const shown = changes.slice(0, 5).join(", ") + (changes.length > 5 ? `, and ${changes.length - 5} more` : "");
  return new AppError("run-changed", `${folder}: holds a run of another recipe; different: ${shown}`, {
    hint: "--update runs the changed stages again in this folder; --run DIR starts another run",
    data: { folder, changes },
  });
}

/**
 * A recipe without what says nothing about the experiment: its format's version, where the base and the questions lie
 * (their hashes cover them; of a base on the hub its name and commit say what it is), where key files lie, and the built-in teacher's port, so that a run whose port is taken goes
 * on with another.
 */
function comparable(recipe: Recipe): unknown {
  const keyed = withKeyFiles(recipe, withoutFolder);
  const { $schema: _schema, schemaVersion: _version, student, trace, collect, ...rest } = keyed;
  const { port: _port, ...teacher } = { port: 0, ...moveTeacher(trace.teacher, withoutFolder) };
  const base = isHubBase({ student }) ? { student } : {};
  return { ...rest, ...base, collect: withoutPlaces(collect), trace: { ...trace, teacher } };
}

/** Dotted paths at which two JSON values differ. */
export function changedFields(before: unknown, after: unknown, path = ""): string[] {
  if (canonicalJson({ value: before }) === canonicalJson({ value: after })) return [];
  if (!isObject(before) || !isObject(after)) return [path === "" ? "recipe" : path];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => changedFields(before[key], after[key], path === "" ? key : `${path}.${key}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The run's resolved recipe; undefined when the folder holds no run. Throws "record-invalid" when it cannot be read. */
export async function readRecipe(fs: FileSystem, folder: string): Promise<Recipe | undefined> {
  const path = joinPath(folder, RECIPE);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_FILE_BYTES), Recipe, path);
}

/** The manifest of a complete run; undefined while one stage or more is missing. */
export async function readRunManifest(fs: FileSystem, folder: string): Promise<RunManifest | undefined> {
  const path = joinPath(folder, MANIFEST);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_FILE_BYTES), RunManifest, path);
}

/** Vouches for the whole run. */
export async function writeRunManifest(fs: FileSystem, folder: string, manifest: RunManifest): Promise<void> {
  await fs.writeAtomic(joinPath(folder, MANIFEST), `${JSON.stringify(RunManifest.parse(manifest), null, 2)}\n`);
}

/** Takes the voucher back while stages run again. */
export async function removeRunManifest(fs: FileSystem, folder: string): Promise<void> {
  await fs.remove(joinPath(folder, MANIFEST));
}

/** Adds one line to `timings.jsonl`. */
export async function appendTiming(fs: FileSystem, folder: string, timing: Timing): Promise<void> {
  await fs.append(joinPath(folder, TIMINGS), `${JSON.stringify(timing)}\n`);
}

/** Adds one line to `events.jsonl`. */
export async function appendEvent(fs: FileSystem, folder: string, event: RunEventLine): Promise<void> {
  await fs.append(joinPath(folder, EVENTS), `${JSON.stringify(event)}\n`);
}

/** All timings of a run, oldest first. A last line cut short by a crash is left out: it vouches for nothing. */
export async function readTimings(fs: FileSystem, folder: string): Promise<Timing[]> {
  return await readJournal(fs, joinPath(folder, TIMINGS), (line, where) => parseRecord(line, Timing, where));
}

/** All events of a run, oldest first. */
export async function readEvents(fs: FileSystem, folder: string): Promise<RunEventLine[]> {
  return await readJournal(fs, joinPath(folder, EVENTS), (line, where) => parseRecord(line, RunEventLine, where));
}

async function readJournal<T>(fs: FileSystem, path: string, parse: (line: string, where: string) => T): Promise<T[]> {
  if ((await fs.kind(path)) !== "file") return [];
  const rows: T[] = [];
  for await (const line of fs.readLines(path, MAX_FILE_BYTES)) {
    try {
      rows.push(parse(line, path));
    } catch (error) {
      // A crash may leave half a line, to which the next run's first line is glued; both are lost, nothing else is.
      if (!(error instanceof AppError && error.code === "record-invalid")) throw error;
    }
  }
  return rows;
}
