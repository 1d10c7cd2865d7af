/** @file The folder that a Ray cluster and this machine share: where each job's outputs, large inputs and marks stand. */
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { withFileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { writeAtOnce } from "./ray-bundle.ts";

/** Where the parts of a job stand; no job's name has a dot, so none can be another's. */
export interface JobFolders {
  /** GRAPPA_OUT. */
  readonly out: string;
  /** Its files, where they are too large for a package. */
  readonly files: string;
  /** What `ray_train.py` and the launcher tell each other. */
  readonly control: string;
}

/** The folders of the job of this name. */
export function jobFolders(storage: string, name: string): JobFolders {
  const out = join(storage, "grappa", name);
  return { out, files: `${out}.files`, control: `${out}.ray` };
}

/**
 * The storage as it came, if it is a folder that this machine sees.
 * @throws AppError "usage" with what to do otherwise
 */
export async function checkedStorage(storage: string): Promise<string> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(storage))
    throw new AppError("usage", `train.launcher.storage is ${storage}, and the trainer needs a folder`, {
      hint: "mount the bucket at the same path on all nodes and here (SkyPilot's `file_mounts` with mode MOUNT, s3fs, gcsfuse), and give that path",
    });
  if (!isAbsolute(storage))
    throw new AppError("usage", `train.launcher.storage is ${storage}, which is no absolute path`, {
      hint: "give the path at which all nodes and this machine see the folder",
    });
  const found = await stat(storage).catch(() => undefined); // any reason means that we cannot use it
  if (found?.isDirectory() === true) return storage;
  throw new AppError("usage", `train.launcher.storage is ${storage}, and this machine has no such folder`, {
    hint: "mount it here at the same path (sshfs will do), or run grappa on the cluster's head, which sees it",
  });
}

/** Makes the folders of a job, and gives the mark by which its nodes tell that they see the same. */
export async function prepareStorage({ out, control }: JobFolders): Promise<string> {
  const path = join(control, "mark");
  return await withFileError(path, async () => {
    await makeFolders(out);
    await makeFolders(control);
    const old = await readFile(path, "utf8").catch(() => undefined); // made anew, whatever the reason
    if (old !== undefined && /^[0-9a-f]{32}$/.test(old)) return old;
    const mark = randomBytes(16).toString("hex");
    await writeAtOnce(path, mark);
    return mark;
  });
}
