/** @file Takes files out of a job's folder. What a job wrote is not ours to trust: links are not followed. */
import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { copyFile, lstat, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { fileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { throwIfInterrupted } from "./interruption.ts";
import { checkedJobPath } from "./job-checks.ts";

/**
 * Copies a file or folder below `root` to `to`, in whose place it appears whole. Links and devices within a folder are left
 * out.
 *
 * @returns false where there is none
 * @throws AppError "usage" for a path that leads elsewhere; "file-denied" where a link stands on the way
 */
export async function copyOutput(
  root: string,
  path: string,
  { to, signal }: { readonly to: string; readonly signal: AbortSignal },
): Promise<boolean> {
  let from = root;
  for (const part of checkedJobPath(path)) {
    from = join(from, part);
    const facts = await lstat(from).catch(notThere);
    if (facts === undefined) return false;
    if (!facts.isDirectory() && !facts.isFile())
      throw new AppError("file-denied", `${from}: the job left a link or a device here`, {
        hint: "nothing but plain files and folders is taken out of a job",
      });
  }
  await appearWhole(to, (temporary) => copyTree(from, temporary, { signal, facts: lstat }));
  return true;
}

/** Lets `fill` make a file or folder under another name and then gives it this one, in place of what was there. */
export async function appearWhole(to: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${to}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await makeFolders(dirname(to));
    await fill(temporary);
    await rm(to, { recursive: true, force: true });
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to report
    throw fileError(to, error);
  }
}

/** Copying: until the signal, and by `lstat`, which leaves links out, or `stat`, which follows them. */
export interface CopyOptions {
  readonly signal: AbortSignal;
  readonly facts: (path: string) => Promise<Stats>;
}

/** Copies a file, or a folder with its plain files; shares blocks with the original where the file system can. */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<void> {
  throwIfInterrupted(options.signal);
  const facts = await options.facts(from);
  if (facts.isFile()) return await copyFile(from, to, constants.COPYFILE_FICLONE);
  if (!facts.isDirectory()) return;
  await makeFolders(to);
  for (const name of (await readdir(from)).sort()) await copyTree(join(from, name), join(to, name), options);
}

function notThere(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
