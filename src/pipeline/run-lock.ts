import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import type { ProcessIdentity, ProcessTable } from "../adapters/process-table.ts";
import { type HeldLock, holderOf, takeLock } from "../adapters/store/lock-file.ts";
import { AppError } from "../core/errors.ts";

const LOCK = "lock.json";

/** A held lock. */
export type RunLock = HeldLock;

/**
 * Takes a run folder for this process. A lock whose process is gone is stale and is taken over.
 *
 * @throws AppError "run-locked" when another live process holds it, naming the process.
 */
export async function lockRun(fs: FileSystem, processes: ProcessTable, folder: string): Promise<RunLock> {
  const path = joinPath(folder, LOCK);
  const taken = await takeLock({ fs, processes }, path);
  if (taken === "contended")
    throw new AppError("run-locked", `${folder}: its lock keeps changing hands`, {
      hint: "another grappa is starting there; try again",
      isRetryable: true,
    });
  if ("holder" in taken) throw lockedBy(path, taken.holder, processes.self);
  return taken;
}

function lockedBy(path: string, holder: ProcessIdentity, self: ProcessIdentity): AppError {
  const elsewhere = `if ${holder.host} no longer works on this run, delete ${path}`;
  return new AppError("run-locked", `${path}: this run is in use by process ${holder.pid} on ${holder.host}`, {
    hint: holder.host === self.host ? "wait for it or stop it; use --run DIR for a second run beside it" : elsewhere,
    data: { path, pid: holder.pid, host: holder.host },
    isRetryable: true,
  });
}

/** The live process that works on a run; undefined when there is none. */
export async function lockHolder(
  fs: FileSystem,
  processes: ProcessTable,
  folder: string,
): Promise<ProcessIdentity | undefined> {
  return await holderOf({ fs, processes }, joinPath(folder, LOCK));
}
