/**
 * @file `grappa export`: what a run selected as a data set in a folder, ready for the hub. Its files:
 *
 *     dataset.json                          written first: whose folder this is, and of what run
 *     train.jsonl                           a line an example
 *     data/train-00000-of-00001.parquet     the same rows
 *     README.md                             the card; written last
 *
 * The same run gives the same bytes.
 */
import { z } from "zod";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { writeParquet } from "../../adapters/datasets/write-parquet.ts";
import { parseJson } from "../../adapters/teacher/json-fields.ts";
import { AppError } from "../../core/errors.ts";
import { datasetCard } from "../../report/dataset-card.ts";
import { teacherName } from "../../report/view/honesty.ts";
import type { StageManifest } from "../../schema/manifest.ts";
import { SCHEMA_VERSION } from "../../schema/records.ts";
import { openFinishedStage } from "../finished-stages.ts";
import { readHeader, readRecipe } from "../run-folder.ts";
import { readCollected, termsOfTeachers } from "./run-provenance.ts";
import { type DatasetRow, hashOf, selectedRows } from "./selected-rows.ts";
import { writeRows } from "./write-rows.ts";

/** A file that was written. */
export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What came of it. */
export interface ExportOutcome {
  readonly run: string;
  readonly examples: number;
  readonly files: readonly ExportedFile[];
}

/** Written first: a folder without it is somebody else's. */
const HEADER = "dataset.json";
const KIND = "grappa-dataset";
const DatasetHeader = z.object({ kind: z.literal(KIND) });
const MAX_HEADER_BYTES = 64 * 1024;
const ROWS = "train.jsonl";
const STAGES = ["collect", "attempt", "trace", "grade", "select"] as const;

/**
 * Writes the data set of a run whose stages are done up to select; a folder that an export made before is written anew.
 *
 * @throws AppError "file-denied" where the folder holds something else; what reading the run's stages throws.
 */
export async function exportDataset(fs: FileSystem, runFolder: string, folder: string): Promise<ExportOutcome> {
  const [header, recipe] = [await readHeader(fs, runFolder), await readRecipe(fs, runFolder)];
  if (header === undefined || recipe === undefined) throw new AppError("file-missing", `${runFolder}: no run`);
  await refuseForeignFolder(fs, folder);
  const rows = await selectedRows(fs, runFolder);
  const stages = await readStages(fs, runFolder);
  const { readings, decontamination } = await readCollected(fs, runFolder);
  await fs.writeAtomic(
    joinPath(folder, HEADER),
    json({ schemaVersion: SCHEMA_VERSION, kind: KIND, run: header.run, grappa: header.createdBy }),
  );
  const files = [
    { path: ROWS, ...(await writeRows(fs, joinPath(folder, ROWS), rows)) },
    await writeFile(fs, folder, ["data/train-00000-of-00001.parquet", writeParquet(columnsOf(rows))]),
  ];
  const card = datasetCard({
    name: `${recipe.name}: ${rows.length} reasoning traces`,
    run: header.run,
    examples: rows.length,
    grappa: header.createdBy,
    teacher: teacherName(recipe),
    terms: await termsOfTeachers(fs, runFolder, recipe),
    sources: readings,
    families: recipe.collect.sources.flatMap((source) => (source.type === "family" ? [source.family] : [])),
    bySource: counted(rows, ({ source_type }) => source_type),
    byDomain: counted(rows, ({ domain }) => domain),
    byProvenance: counted(rows, ({ provenance }) => provenance),
    byGrade: counted(rows, ({ grade }) => grade),
    meanThinkingTokens: rows.reduce((sum, row) => sum + row.thinking_tokens, 0) / Math.max(1, rows.length),
    funnel: stages.flatMap(({ funnel }) => funnel),
    decontamination,
    selection: { method: recipe.select.method, seed: recipe.seed, count: recipe.select.count },
    files,
    stages,
  });
  files.push(await writeFile(fs, folder, ["README.md", new TextEncoder().encode(card)]));
  return { run: header.run, examples: rows.length, files };
}

async function refuseForeignFolder(fs: FileSystem, folder: string): Promise<void> {
  const names = await fs.names(folder);
  if (names.length === 0 || (names.includes(HEADER) && (await isOurs(fs, joinPath(folder, HEADER))))) return;
  throw new AppError("file-denied", `${folder}: no data set of grappa's, and not empty (${names.length} entries)`, {
    hint: "choose another with --out FOLDER",
  });
}

/** Others call a file dataset.json too: it is ours by what it says. */
async function isOurs(fs: FileSystem, path: string): Promise<boolean> {
  const text = await fs.readText(path, MAX_HEADER_BYTES).catch(() => ""); // too long, a folder: none that we wrote
  return DatasetHeader.safeParse(parseJson(text)).success;
}

async function readStages(fs: FileSystem, runFolder: string): Promise<StageManifest[]> {
  const manifests: StageManifest[] = [];
  for (const stage of STAGES)
    manifests.push((await openFinishedStage(fs, runFolder, { stage, verification: "sizes" })).manifest);
  return manifests;
}

async function writeFile(
  fs: FileSystem,
  folder: string,
  [path, bytes]: readonly [string, Uint8Array],
): Promise<ExportedFile> {
  await fs.writeAtomic(joinPath(folder, path), bytes);
  return { path, bytes: bytes.length, sha256: hashOf(bytes) };
}

function columnsOf(rows: readonly DatasetRow[]) {
  const column = (name: keyof DatasetRow, kind: "text" | "texts" | "whole") => ({
    name,
    kind,
    values: rows.map((row) => (kind === "whole" ? BigInt(row[name] as number) : row[name])),
  });
  const texts = ["solution", "question", "cot_type", "source_type", "metadata", "cot"] as const;
  const ours = ["teacher", "provenance", "grade"] as const;
  return [
    ...texts.map((name) => column(name, "text")),
    column("thinking_trajectories", "texts"),
    ...(["attempt", "question_id", "trace_id"] as const).map((name) => column(name, "text")),
    column("rank", "whole"),
    column("domain", "text"),
    column("thinking_tokens", "whole"),
    ...ours.map((name) => column(name, "text")),
  ];
}

/** How many rows there are of each, most first, then by name. */
function counted(rows: readonly DatasetRow[], nameOf: (row: DatasetRow) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(nameOf(row), (counts.get(nameOf(row)) ?? 0) + 1);
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
