/** @file A job's files on their way to a Ray cluster: in a zip through its dashboard, or, where that is too small, on the storage. */
import { createHash, randomBytes } from "node:crypto";
import { copyFile, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Zippable, zipSync } from "fflate";
import { withFileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { throwIfInterrupted } from "./interruption.ts";
import { checkedJobPath } from "./job-checks.ts";
import type { BundleFile } from "./launcher.ts";

/** Ray's dashboard takes 100 MiB; what is larger than this goes by the storage, which is the faster way. */
export const MAX_ZIP_BYTES = 32 * 1024 * 1024;

/** One file of a bundle, folders taken apart. */
export type PlainFile = BundleFile & { readonly sizeBytes: number };

/**
 * The files of a bundle, in the order of their paths.
 * @throws AppError "usage" for a path that leads out of the job's folder, "file-missing"
 */
export async function listBundle(files: readonly BundleFile[]): Promise<PlainFile[]> {
  const found: PlainFile[] = [];
  for (const file of files) {
    checkedJobPath(file.path);
    if ("bytes" in file) found.push({ ...file, sizeBytes: file.bytes.length });
    else found.push(...(await listFrom(file.path, file.from)));
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Links are followed: a model in a cache of the hub is made of them. */
async function listFrom(path: string, from: string): Promise<PlainFile[]> {
  const facts = await withFileError(from, () => stat(from));
  if (!facts.isDirectory()) return [{ path, from, sizeBytes: facts.size }];
  const found: PlainFile[] = [];
  for (const name of await readdir(from))
    if (name !== "__pycache__") found.push(...(await listFrom(`${path}/${name}`, join(from, name))));
  return found;
}

/** A package as Ray wants it: the files at its root, named by its content, so that the same is never sent twice. */
export async function zipBundle(
  files: readonly PlainFile[],
): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  const entries: Zippable = {};
  for (const file of files) entries[file.path] = "bytes" in file ? file.bytes : await readWhole(file.from);
  const bytes = zipSync(entries, { level: 1, mtime: "1980-01-02T00:00:00" });
  const sha = createHash("sha256").update(bytes).digest("hex");
  return { name: `_ray_pkg_${sha.slice(0, 40)}.zip`, bytes };
}

async function readWhole(path: string): Promise<Uint8Array> {
  return await withFileError(path, () => readFile(path));
}

/** Copies the files to a folder; those that are there in the same size and of the same time stay. */
export async function copyBundle(files: readonly PlainFile[], folder: string, signal: AbortSignal): Promise<void> {
  for (const file of files) {
    throwIfInterrupted(signal);
    const to = join(folder, ...file.path.split("/"));
    await withFileError(to, async () => {
      await makeFolders(dirname(to));
      if ("bytes" in file) await writeAtOnce(to, file.bytes);
      else await copyWhereNew(file.from, to);
    });
  }
}

async function copyWhereNew(from: string, to: string): Promise<void> {
  const source = await stat(from);
  const there = await stat(to).catch(() => undefined); // any reason is one to copy
  const isSame = there?.size === source.size && Math.abs(there.mtimeMs - source.mtimeMs) < 2; // file systems round times
  if (isSame) return;
  const temporary = temporaryName(to);
  await copyFile(from, temporary);
  await utimes(temporary, source.atime, source.mtime);
  await rename(temporary, to);
}

/** Gives a file its name and its content in one step. */
export async function writeAtOnce(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  await writeFile(temporary, content);
  await rename(temporary, path);
}

const temporaryName = (path: string): string => `${path}.${randomBytes(4).toString("hex")}.part`;
