import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileSystem } from "../adapters/file-system.ts";
import { compiledUrl } from "../adapters/threads/compiled-url.ts";
import { AppError } from "../core/errors.ts";
import { packRows } from "../report/xray-data.ts";
import { XRAY_PAGE_START, xrayPage } from "../report/xray-page.ts";
import { type XrayRow, type XraySummary, xrayTally } from "../tokenize/xray.ts";
import type { XrayRun } from "./open-xray.ts";

const MAX_SCRIPT_BYTES = 1 << 20;

/** What was written. */
export interface WrittenXrayPage {
  readonly bytes: number;
  /** Rows that the page has no room for. */
  readonly leftOut: number;
  readonly summary: XraySummary;
}

/**
 * Writes a run's x-ray as one HTML file.
 *
 * @param folder The run's, whose name stands in the page.
 * @throws AppError "file-denied" where the path holds anything but an x-ray page.
 */
export async function writeXrayPage(
  fs: FileSystem,
  path: string,
  { run, folder }: { readonly run: XrayRun; readonly folder: string },
): Promise<WrittenXrayPage> {
  await refuseOtherFile(fs, path);
  const tally = xrayTally();
  const rows: XrayRow[] = [];
  for await (const row of run.rows()) {
    tally.add(row);
    rows.push(row);
  }
  const summary = tally.summary();
  const { data, leftOut } = packRows(run.format.tokenizer, rows);
  const { style, maxLength } = run.recipe.tokenize;
  const script = await fs.readText(fileURLToPath(compiledUrl(import.meta.url, "../live/xray.js")), MAX_SCRIPT_BYTES);
  const page = xrayPage({ run: basename(folder), style, maxLength, summary, leftOut }, data, script);
  await fs.writeAtomic(path, page);
  return { bytes: Buffer.byteLength(page), leftOut, summary };
}

/** A name mistyped must not cost anybody a file. */
async function refuseOtherFile(fs: FileSystem, path: string): Promise<void> {
  const kind = await fs.kind(path);
  if (kind === "none" || (kind === "file" && (await firstLine(fs, path)) === XRAY_PAGE_START)) return;
  throw new AppError("file-denied", `${path}: there is something else there, not an x-ray page`, {
    hint: "choose another name",
    data: { path },
  });
}

/** The first line, or nothing where it is longer than one of ours. */
async function firstLine(fs: FileSystem, path: string): Promise<string | undefined> {
  try {
    for await (const line of fs.readLines(path, 4096)) return line;
  } catch (error) {
    if (!(error instanceof AppError && error.code === "limit-exceeded")) throw error;
  }
  return undefined;
}
