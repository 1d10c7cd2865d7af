import { spawn } from "node:child_process";
import { type FileHandle, open, rm } from "node:fs/promises";
import { withFileError } from "./file-error.ts";

/** A program that goes on without us. */
export interface DetachedProcess {
  readonly pid: number;
  /** Its exit status once it has ended; null where a signal ended it. Told only while we live. */
  readonly ended: Promise<number | null>;
}

/**
 * Starts a Node program that our end, a Ctrl-C at our terminal and the terminal's end do not touch. It has our environment, no
 * input, and writes to a new file; what was at that path is gone, and a link there is not followed.
 *
 * @throws AppError "file-denied", "disk-full" and the like, of the file; an Error where no process can be had.
 */
export async function startDetached(
  program: string,
  args: readonly string[],
  outputPath: string,
): Promise<DetachedProcess> {
  const output = await openNew(outputPath);
  try {
    const stdio = ["ignore", output.fd, output.fd] as const;
    const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: [...stdio] });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    return { pid: child.pid ?? 0, ended };
  } finally {
    await output.close();
  }
}

async function openNew(path: string): Promise<FileHandle> {
  return await withFileError(path, async () => {
    await rm(path, { force: true });
    return await open(path, "wx", 0o600);
  });
}
