import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import type { ProcessIdentity, ProcessTable } from "../adapters/process-table.ts";
import { AppError } from "../core/errors.ts";

const LOCK = "lock.json";
const MAX_LOCK_BYTES = 4096;
/** Others may take or free the lock between two of our steps; more often than this is no coincidence. */
const MAX_TRIES = 5;

/** A held lock. */
export interface RunLock {
  release(): Promise<void>;
}

/**
 * Takes a run folder for this process. A lock whose process is gone is stale and is taken over.
 *
 * @throws AppError "run-locked" when another live process holds it, naming the process.
 */
export async function lockRun(fs: FileSystem, processes: ProcessTable, folder: string): Promise<RunLock> {
  const path = joinPath(folder, LOCK);
  const text = JSON.stringify(processes.self);
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (await fs.createExclusive(path, text)) return { release: () => releaseLock(fs, path, text) };
    const held = await readLock(fs, path);
    const holder = held === undefined ? undefined : parseHolder(held);
    if (holder && processes.isAlive(holder)) throw lockedBy(path, holder, processes.self);
    if (held !== undefined) await removeStale(fs, path, { text: held, mark: `${processes.self.pid}-${attempt}` });
  }
  throw new AppError("run-locked", `${folder}: its lock keeps changing hands`, {
    hint: "another grappa is starting there; try again",
    isRetryable: true,
  });
}

/** The lock's text; undefined when it was freed in the meantime. */
async function readLock(fs: FileSystem, path: string): Promise<string | undefined> {
  try {
    return await fs.readText(path, MAX_LOCK_BYTES);
  } catch (error) {
    if (error instanceof AppError && error.code === "file-missing") return undefined;
    throw error;
  }
}

/** Whoever wrote the lock; undefined for a text no grappa wrote whole, which nobody can be holding. */
function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    const { pid, host, birth } = JSON.parse(text) as Partial<Record<keyof ProcessIdentity, unknown>>;
    if (
      typeof pid !== "number" ||
      !Number.isSafeInteger(pid) ||
      pid <= 0 ||
      typeof host !== "string" ||
      typeof birth !== "string"
    )
      return undefined;
    return { pid, host, birth };
  } catch {
    return undefined;
  }
}

function lockedBy(path: string, holder: ProcessIdentity, self: ProcessIdentity): AppError {
  const elsewhere = `if ${holder.host} no longer works on this run, delete ${path}`;
  return new AppError("run-locked", `${path}: this run is in use by process ${holder.pid} on ${holder.host}`, {
    hint: holder.host === self.host ? "wait for it or stop it; use --run DIR for a second run beside it" : elsewhere,
    data: { path, pid: holder.pid, host: holder.host },
    isRetryable: true,
  });
}

/**
 * Removes a stale lock by renaming it first: of two processes that saw it, one wins. If what was renamed is not what was
 * seen, a third process had already taken over, and its lock goes back.
 */
async function removeStale(
  fs: FileSystem,
  path: string,
  stale: { readonly text: string; readonly mark: string },
): Promise<void> {
  const aside = `${path}.${stale.mark}.stale`;
  try {
    await fs.rename(path, aside);
  } catch (error) {
    if (error instanceof AppError && error.code === "file-missing") return; // the other process won
    throw error;
  }
  const moved = await readLock(fs, aside);
  if (moved !== undefined && moved !== stale.text) await fs.createExclusive(path, moved);
  await fs.remove(aside);
}

/** Frees the lock if it is still ours: somebody may have removed it by hand and taken it. */
async function releaseLock(fs: FileSystem, path: string, text: string): Promise<void> {
  if ((await readLock(fs, path)) === text) await fs.remove(path);
}

/** The live process that works on a run; undefined when there is none. */
export async function lockHolder(
  fs: FileSystem,
  processes: ProcessTable,
  folder: string,
): Promise<ProcessIdentity | undefined> {
  const text = await readLock(fs, joinPath(folder, LOCK));
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder && processes.isAlive(holder) ? holder : undefined;
}
