/** @file Puts a job's files into its folder on this machine. */
import { randomUUID } from "node:crypto";
import { realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError, withFileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { copyTree } from "./copy-output.ts";
import { checkedJobPath } from "./job-checks.ts";
import type { BundleFile } from "./launcher.ts";

/** Refuses a bundle with a path that leads out of the job's folder: AppError "usage". */
export function checkBundle(files: readonly BundleFile[]): void {
  for (const { path } of files) checkedJobPath(path);
}

/** How files of this machine come into the job's folder: `link` where the job runs on this machine too. */
export interface LayOptions {
  readonly by: "copy" | "link";
  readonly signal: AbortSignal;
}

/**
 * Lays the files into `folder`, which then holds these alone: it is filled under another name, and takes the place of what
 * was there.
 *
 * @throws AppError as the file system does; "file-missing" with the path of one that is not there
 */
export async function layBundle(files: readonly BundleFile[], folder: string, options: LayOptions): Promise<void> {
  checkBundle(files);
  const temporary = `${folder}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await makeFolders(temporary);
    for (const file of files) await layFile(file, temporary, options);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to report
    throw fileError(folder, error);
  }
}

async function layFile(file: BundleFile, folder: string, { by, signal }: LayOptions): Promise<void> {
  const to = join(folder, ...checkedJobPath(file.path));
  await makeFolders(dirname(to));
  if ("bytes" in file) return await writeFile(to, file.bytes);
  await withFileError(file.from, async () => {
    const from = await realpath(file.from);
    await (by === "link" ? symlink(from, to) : copyTree(from, to, { signal, facts: stat }));
  });
}
