/**
 * @file One stage's folder, `stages/<name>-<key>/`: output files, `work/` while unfinished, and `manifest.json` last.
 * What is not vouched for by a manifest is thrown away when the stage runs again; the work folder is kept for it.
 */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson, sha256Hex } from "../core/hash.ts";
import { type OutputFile, StageManifest, type StageName } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import { parseRecord } from "./parse-record.ts";
import type { Stage, StageIdentity, StageSummary } from "./stage.ts";

const MANIFEST = "manifest.json";
const WORK = "work";
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** How closely a finished stage is looked at before it is skipped. */
export type Verification = "sizes" | "hashes";

/** What was found where a stage's output should be. */
export type StageState =
  | { readonly status: "done"; readonly manifest: StageManifest }
  | { readonly status: "absent" }
  /** Stopped on the way; `work/` may hold a checkpoint. */
  | { readonly status: "unfinished" }
  /** A manifest vouches for files that are not as it says. */
  | { readonly status: "damaged"; readonly file: string; readonly reason: string };

/** Path of a stage's folder. */
export function stageFolder(runFolder: string, stage: StageName, key: string): string {
  return joinPath(runFolder, `stages/${stage}-${key}`);
}

/** Path of an unfinished stage's scratch folder. */
export function workFolder(folder: string): string {
  return joinPath(folder, WORK);
}

/** Looks at a stage's folder without changing it. Throws "schema-version" on a manifest of another version. */
export async function inspectStage(fs: FileSystem, folder: string, verification: Verification): Promise<StageState> {
  const entries = await fs.list(folder);
  if (!entries.some(({ path }) => path === MANIFEST)) return { status: entries.length === 0 ? "absent" : "unfinished" };
  const manifest = await readStageManifest(fs, folder);
  if (typeof manifest === "string") return { status: "damaged", file: MANIFEST, reason: manifest };
  const sizes = new Map(entries.map(({ path, bytes }) => [path, bytes]));
  for (const file of manifest.files) {
    const reason = await compareFile(fs, folder, { file, bytes: sizes.get(file.path), verification });
    if (reason !== undefined) return { status: "damaged", file: file.path, reason };
  }
  return { status: "done", manifest };
}

/** A stage's manifest, or why it cannot be read. */
async function readStageManifest(fs: FileSystem, folder: string): Promise<StageManifest | string> {
  try {
    const path = joinPath(folder, MANIFEST);
    return parseRecord(await fs.readText(path, MAX_MANIFEST_BYTES), StageManifest, path);
  } catch (error) {
    if (error instanceof AppError && error.code === "record-invalid") return error.message;
    throw error;
  }
}

interface FileCheck {
  readonly file: OutputFile;
  readonly bytes: number | undefined;
  readonly verification: Verification;
}

async function compareFile(
  fs: FileSystem,
  folder: string,
  { file, bytes, verification }: FileCheck,
): Promise<string | undefined> {
  if (bytes === undefined) return `${file.path} is missing`;
  if (bytes !== file.bytes) return `${file.path} has ${bytes} bytes, its manifest says ${file.bytes}`;
  if (verification === "sizes") return undefined;
  const { sha256 } = await fs.digest(joinPath(folder, file.path));
  return sha256 === file.sha256 ? undefined : `${file.path} does not have the hash its manifest says`;
}

/** Makes a folder ready for its stage to run: whatever an earlier try left goes, except the work folder. */
export async function prepareStage(fs: FileSystem, folder: string): Promise<void> {
  for (const name of await fs.names(folder)) if (name !== WORK) await fs.remove(joinPath(folder, name));
  await fs.makeFolder(workFolder(folder));
}

/** Vouches for a stage's output: hashes every file, writes the manifest, then clears the work folder. */
export async function finishStage(
  fs: FileSystem,
  folder: string,
  {
    stage,
    identity,
    summary,
  }: { readonly stage: Stage; readonly identity: StageIdentity; readonly summary: StageSummary },
): Promise<StageManifest> {
  const files: OutputFile[] = [];
  for (const { path } of await fs.list(folder)) {
    if (path === MANIFEST || path.startsWith(`${WORK}/`)) continue;
    const { bytes, sha256, lines } = await fs.digest(joinPath(folder, path));
    files.push({ path, bytes, sha256, rows: path.endsWith(".jsonl") ? lines : null });
  }
  const manifest = StageManifest.parse({
    schemaVersion: SCHEMA_VERSION,
    stage: stage.name,
    key: identity.key,
    codeVersion: stage.codeVersion,
    config: identity.config,
    facts: identity.facts,
    inputs: identity.inputs,
    files,
    outputHash: sha256Hex(canonicalJson(files)),
    funnel: [...(summary.funnel ?? [])],
    notes: summary.notes ?? {},
  } satisfies StageManifest);
  await fs.writeAtomic(joinPath(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  await clearWork(fs, folder);
  return manifest;
}

/** Removes what a completed stage no longer needs; also when a crash came between its manifest and this. */
export async function clearWork(fs: FileSystem, folder: string): Promise<void> {
  await fs.remove(workFolder(folder));
}

/** Forgets every output of the given stages, whatever their keys, and their work; what was paid for stays. */
export async function forgetStages(fs: FileSystem, runFolder: string, stages: readonly StageName[]): Promise<void> {
  const folder = joinPath(runFolder, "stages");
  for (const name of await fs.names(folder)) {
    if (!stages.some((stage) => name.startsWith(`${stage}-`))) continue;
    // The manifest goes first: a crash in the middle must not leave one that vouches for what is gone.
    await fs.remove(joinPath(folder, `${name}/${MANIFEST}`));
    await fs.remove(joinPath(folder, name));
  }
}
