/** @file `grappa import`: a recipe that trains on a data set of traces that is there already, such as s1K. */
import { relative, resolve } from "node:path";
import { type FileSystem, joinPath, toSlashes } from "../adapters/file-system.ts";
import { isHubReference, parseHubReference } from "../adapters/datasets/hub/hub-reference.ts";
import { AppError } from "../core/errors.ts";
import type { RecipeInput } from "../schema/recipe.ts";
import { type HubAccess, openDataFiles } from "./open-data.ts";
import { TraceColumnCount, type TraceColumns } from "./trace-columns.ts";

/** Which data, and what is known of it. */
export interface ImportRequest {
  /** A file, or `hf:owner/name@revision:part`. */
  readonly data: string;
  /** Folder to write recipe.json into; relative data is seen from the working folder. */
  readonly folder: string;
  readonly workingFolder: string;
  readonly student: string;
  /** Columns where they are not the usual ones. */
  readonly fields: Partial<TraceColumns>;
  readonly model?: string;
  readonly hub: HubAccess;
  readonly signal: AbortSignal;
}

/** What was found. */
export interface ImportOutcome {
  readonly path: string;
  readonly rows: number;
  /** Rows with a question, reasoning and an answer. */
  readonly usable: number;
  readonly fields: TraceColumns;
}

const MAX_ROW_BYTES = 64 * 1024 ** 2;

/**
 * Looks the data through and writes `recipe.json`; a file of that name stays as it is.
 *
 * @throws AppError "record-invalid" where no row has all three fields; "file-denied" where a recipe is there; the errors of
 *   reading and downloading.
 */
export async function importDataset(fs: FileSystem, request: ImportRequest): Promise<ImportOutcome> {
  const path = joinPath(request.folder, "recipe.json");
  if ((await fs.kind(path)) !== "none")
    throw new AppError("file-denied", `${path}: a recipe is there already`, {
      hint: "choose another with --out FOLDER",
    });
  const { rows, usable, fields } = await lookThrough(request);
  if (usable === 0 || fields === undefined)
    throw new AppError("record-invalid", `${request.data}: none of ${rows} rows has question, reasoning and answer`, {
      hint: "name their columns with --question-field, --thinking-field and --answer-field",
    });
  await fs.writeAtomic(path, `${JSON.stringify(recipeOf(request, fields, usable), null, 2)}\n`);
  return { path, rows, usable, fields };
}

async function lookThrough({ data, hub, workingFolder, signal, fields: given }: ImportRequest) {
  const { files } = await openDataFiles({ data, hub, workingFolder, signal }, () => ({
    maxRowBytes: MAX_ROW_BYTES,
    onBadRow: () => void (rows += 1),
  }));
  let rows = 0;
  const count = new TraceColumnCount(given);
  for (const file of files)
    for await (const row of file.rows()) {
      rows += 1;
      count.add(row);
    }
  return { rows, ...count.best() };
}

/** Collected from the data, not tried, not graded by a rule, all of it taken. */
function recipeOf(
  { data, folder, workingFolder, student, model = "unknown" }: ImportRequest,
  { question, thinking, answer }: TraceColumns,
  usable: number,
): RecipeInput {
  const place = isHubReference(data) ? data : toSlashes(relative(folder, resolve(workingFolder, data)));
  const source = { question, answer: "solution", grader: "judge", holdOut: false } as const;
  return {
    name: "imported",
    seed: 0,
    student: { base: student },
    collect: {
      sources: [isHubReference(data) ? { ...hubSourceOf(data), ...source } : { type: "file", path: place, ...source }],
    },
    attempt: { modes: [] },
    trace: { teacher: { type: "recorded", data: place, question, thinking, answer, model } },
    select: { count: usable, method: "random", requireCorrect: false, maxThinkingTokens: 32_768 },
    tokenize: { maxLength: 32_768 },
    train: { epochs: 5, batchSize: 16, learningRate: 0.000_01, warmupShare: 0.05 },
  };
}

function hubSourceOf(data: string) {
  const { repo, revision, selection } = parseHubReference(data);
  return { type: "hub", id: repo, revision, parts: selection === undefined ? [] : [selection] } as const;
}
