/** @file The two ends of a stage: rows and files in, rows and files out. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { readJsonl } from "../adapters/store/jsonl.ts";
import { AppError } from "../core/errors.ts";
import type { StageManifest } from "../schema/manifest.ts";
import { parseRecord } from "./parse-record.ts";
import type { RowWriter, StageInput, StageOutput } from "./stage.ts";

/** Largest .json file that a stage will read, bytes. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

/** Reads a finished stage's folder. */
export function openStageInput(fs: FileSystem, folder: string, manifest: StageManifest): StageInput {
  const path = (file: string): string => joinPath(folder, file);
  return {
    manifest,
    path,
    streamRows: (file, schema) => readJsonl(path(file), schema),
    readRows: async (file, schema) => {
      const rows = [];
      for await (const row of readJsonl(path(file), schema)) rows.push(row);
      return rows;
    },
    readJson: async (file, schema) =>
      parseRecord(await fs.readText(path(file), MAX_DOCUMENT_BYTES), schema, path(file)),
  };
}

/** Writes into an unfinished stage's folder. `signal` stops a long write between rows. */
export function openStageOutput(fs: FileSystem, folder: string, signal: AbortSignal): StageOutput {
  const path = (file: string): string => {
    if (file === "manifest.json" || file === "work" || file.startsWith("work/")) {
      throw new AppError("usage", `${file}: this name belongs to the pipeline`);
    }
    return joinPath(folder, file);
  };
  const openRows = async (file: string): Promise<RowWriter> => {
    const writer = await fs.openWriter(path(file));
    return {
      write: async (row) => {
        signal.throwIfAborted();
        await writer.write(`${JSON.stringify(row)}\n`);
      },
      close: () => writer.close(),
      abandon: () => writer.abandon(),
    };
  };
  return {
    path,
    openRows,
    writeRows: async (file, rows) => {
      const writer = await openRows(file);
      try {
        for await (const row of rows) await writer.write(row);
      } catch (error) {
        await writer.abandon();
        throw error;
      }
      await writer.close();
    },
    writeJson: (file, value) => fs.writeAtomic(path(file), `${JSON.stringify(value, null, 2)}\n`),
    writeBytes: (file, bytes) => fs.writeAtomic(path(file), bytes),
  };
}
