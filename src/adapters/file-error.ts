import { AppError, type ErrorCode } from "../core/errors.ts";

const CODES: Readonly<Record<string, { code: ErrorCode; what: string; hint?: string }>> = {
  ENOSPC: {
    code: "disk-full",
    what: "no space left on the device",
    hint: "free some space and run the same command again: what is finished is kept",
  },
  EDQUOT: {
    code: "disk-full",
    what: "disk quota used up",
    hint: "free some space and run the same command again: what is finished is kept",
  },
  ENOENT: { code: "file-missing", what: "there is no such file or folder" },
  ELOOP: { code: "file-missing", what: "this is a symbolic link that leads back to itself" },
  ENOTDIR: { code: "file-missing", what: "a part of this path is a file, not a folder" },
  EEXIST: { code: "file-denied", what: "something of that name is in the way" },
  EISDIR: { code: "file-missing", what: "this is a folder, not a file" },
  EACCES: {
    code: "file-denied",
    what: "permission denied",
    hint: "check whose it is and who may read and write it, or choose another",
  },
  EPERM: { code: "file-denied", what: "operation not permitted" },
  EROFS: { code: "file-denied", what: "the file system is read-only", hint: "choose another folder" },
};

/** The AppError for a failed system call on `path`; errors that are not of the file system are passed through. */
export function fileError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (cause instanceof AppError || typeof code !== "string" || !code.startsWith("E")) return cause;
  const known = CODES[code];
  const details = { cause, data: { path, systemCode: code }, isRetryable: known?.code === "disk-full" };
  if (!known) return new AppError("file-denied", `${path}: ${code}`, details);
  return new AppError(
    known.code,
    `${path}: ${known.what}`,
    known.hint === undefined ? details : { ...details, hint: known.hint },
  );
}

/** What `work` returns; a failed system call in it becomes the AppError of {@link fileError}. */
export async function withFileError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(path, error);
  }
}
