/**
 * @file The one way in which the pipeline and the command line touch the disk. Every failure is an AppError that names
 * the path; a full disk is told apart from the rest. Files that matter are written whole under another name, flushed, and
 * renamed: a reader sees the old text or the new, never half of it.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, open, readdir, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import { fileError, withFileError } from "./file-error.ts";
import { makeFolders } from "./make-folders.ts";
import { readLines } from "./store/read-lines.ts";

/** A file of a folder; `path` is relative to it, with forward slashes. */
export interface FileEntry {
  readonly path: string;
  readonly bytes: number;
}

/** What a file holds, without the content itself. */
export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
  /** Line feeds in the file. */
  readonly lines: number;
}

/** Writes one file from front to back; the file exists under its name only after `close`. */
export interface FileWriter {
  write(text: string): Promise<void>;
  /** Flushes to the device and gives the file its name. */
  close(): Promise<void>;
  /** Removes what was written. */
  abandon(): Promise<void>;
}

/** The disk as a port; paths are the platform's own. Every method throws AppError with the path in its message. */
export interface FileSystem {
  /** The text of a UTF-8 file. Throws "file-missing", or "limit-exceeded" past `maxBytes`. */
  readText(path: string, maxBytes: number): Promise<string>;
  /** The bytes of a file. Throws as `readText`. */
  readBytes(path: string, maxBytes: number): Promise<Uint8Array>;
  /** A file's lines, without line ends; an unended last line counts. Throws "limit-exceeded" on a line past `maxLineBytes`. */
  readLines(path: string, maxLineBytes: number): AsyncIterable<string>;
  /** Writes a whole file by temporary name, flush and rename. */
  writeAtomic(path: string, data: string | Uint8Array): Promise<void>;
  openWriter(path: string): Promise<FileWriter>;
  /** Adds text at the end of a file in one write; creates it if needed. */
  append(path: string, text: string): Promise<void>;
  /** Creates a file with its whole text in one step; false when it already exists. */
  createExclusive(path: string, text: string): Promise<boolean>;
  /** Every file below a folder, ordered by path; empty when there is no folder. Symbolic links are not followed. */
  list(folder: string): Promise<FileEntry[]>;
  /** Names directly in a folder, ordered; empty when there is no folder. */
  names(folder: string): Promise<string[]>;
  digest(path: string): Promise<FileDigest>;
  kind(path: string): Promise<"file" | "folder" | "none">;
  makeFolder(path: string): Promise<void>;
  /** Removes a file or a folder with all it holds; silent when there is none. */
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

const temporaryName = (path: string): string => `${path}.${randomUUID().slice(0, 8)}.tmp`;

async function openForWriting(path: string): Promise<FileWriter> {
  const temporary = temporaryName(path);
  const handle = await withFileError(path, async () => {
    await makeFolders(dirname(path));
    return await open(temporary, "wx");
  });
  return writerOf(handle, path, temporary);
}

function writerOf(handle: FileHandle, path: string, temporary: string): FileWriter {
  let pending: string[] = [];
  let pendingLength = 0;
  const flush = async (): Promise<void> => {
    const text = pending.join("");
    pending = [];
    pendingLength = 0;
    if (text !== "") await handle.writeFile(text);
  };
  const abandon = async (): Promise<void> => {
    await handle.close().catch(() => undefined); // it may be closed already; the file goes in any case
    await unlink(temporary).catch(() => undefined); // the first error is the one to report
  };
  const orAbandon = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await abandon();
      throw fileError(path, error);
    }
  };
  return {
    write: async (text) => {
      pending.push(text);
      pendingLength += text.length;
      if (pendingLength >= 1 << 20) await orAbandon(flush);
    },
    close: () =>
      orAbandon(async () => {
        await flush();
        await handle.sync();
        await handle.close();
        await rename(temporary, path);
      }),
    abandon,
  };
}

async function writeAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await makeFolders(dirname(path));
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // the first error is the one to report
    throw fileError(path, error);
  }
}

async function createExclusive(path: string, text: string): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    await makeFolders(dirname(path));
    await writeFile(temporary, text, { flag: "wx" });
    // A link gives the file its name and its content in one step; some file systems know no links.
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      return writeFile(path, text, { flag: "wx" });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw fileError(path, error);
  } finally {
    await unlink(temporary).catch(() => undefined); // not there when its own creation failed
  }
}

async function readText(path: string, maxBytes: number): Promise<string> {
  return (await readBuffer(path, maxBytes)).toString("utf8");
}

async function readBuffer(path: string, maxBytes: number): Promise<Buffer> {
  return await withFileError(path, async () => {
    const handle = await open(path, "r");
    try {
      const found = await handle.stat();
      if (found.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
      if (found.size > maxBytes) throw tooLarge(path, found.size, maxBytes);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  });
}

const tooLarge = (path: string, bytes: number, maxBytes: number): AppError =>
  new AppError("limit-exceeded", `${path}: ${bytes} bytes exceed the limit of ${maxBytes}`, {
    data: { path, bytes, maxBytes },
  });

async function* readTextLines(path: string, maxLineBytes: number): AsyncGenerator<string> {
  for await (const { bytes } of readLines(path, maxLineBytes)) yield bytes.toString("utf8");
}

async function list(folder: string, prefix = ""): Promise<FileEntry[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // Also below: another process may clear a folder while we look, before either has the run's lock.
    if (error.code === "ENOENT") return [];
    throw fileError(folder, error);
  });
  const found: FileEntry[] = [];
  for (const entry of entries) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await list(folder, path)));
    else if (entry.isFile()) {
      const facts = await stat(join(folder, ...path.split("/"))).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw fileError(folder, error);
      });
      if (facts !== null) found.push({ path, bytes: facts.size });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function names(folder: string): Promise<string[]> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw fileError(folder, error);
  });
  return found.sort((a, b) => (a < b ? -1 : 1));
}

async function digest(path: string): Promise<FileDigest> {
  return await withFileError(path, async () => {
    const hash = createHash("sha256");
    let bytes = 0;
    let lines = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const block = chunk as Buffer;
      hash.update(block);
      bytes += block.length;
      for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, at + 1)) lines += 1;
    }
    return { bytes, sha256: hash.digest("hex"), lines };
  });
}

async function kind(path: string): Promise<"file" | "folder" | "none"> {
  const found = await stat(path).catch(() => undefined); // any failure means that we cannot use it
  return found?.isDirectory() ? "folder" : found?.isFile() ? "file" : "none";
}

async function append(path: string, text: string): Promise<void> {
  await withFileError(path, async () => {
    await makeFolders(dirname(path));
    await writeFile(path, text, { flag: "a" });
  });
}

/** The disk of this machine. */
export function nodeFileSystem(): FileSystem {
  return {
    readText,
    readBytes: readBuffer,
    readLines: readTextLines,
    writeAtomic,
    openWriter: openForWriting,
    append,
    createExclusive,
    list: (folder) => list(folder),
    names,
    digest,
    kind,
    makeFolder: (path) => withFileError(path, () => makeFolders(path)),
    remove: (path) => withFileError(path, () => rm(path, { recursive: true, force: true, maxRetries: 3 })),
    rename: (from, to) => withFileError(to, () => rename(from, to)),
  };
}

/** `path` below `folder`, from a path with forward slashes. */
export function joinPath(folder: string, path: string): string {
  return join(folder, ...path.split("/"));
}

/** A platform path with forward slashes. */
export function toSlashes(path: string): string {
  return sep === "/" ? path : path.split(sep).join("/");
}
