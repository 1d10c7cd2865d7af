/** @file A lock that a process holds by a file with its identity; one whose process is gone is stale and is taken over. */
import { AppError } from "../../core/errors.ts";
import type { FileSystem } from "../file-system.ts";
import type { ProcessIdentity, ProcessTable } from "../process-table.ts";

const MAX_LOCK_BYTES = 4096;
/** Others may take or free the lock between two of our steps; more often than this is no coincidence. */
const MAX_TRIES = 5;

/** A held lock. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Who works with locks, and on what. */
export interface LockPorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
}

/** Takes a lock: held, or by whom it is held, or `contended` when it kept changing hands. */
export async function takeLock(
  { fs, processes }: LockPorts,
  path: string,
): Promise<HeldLock | { readonly holder: ProcessIdentity } | "contended"> {
  const text = JSON.stringify(processes.self);
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (await fs.createExclusive(path, text)) return { release: () => releaseLock(fs, path, text) };
    const held = await readLock(fs, path);
    const holder = held === undefined ? undefined : parseHolder(held);
    if (holder && processes.isAlive(holder)) return { holder };
    if (held !== undefined) await removeStale(fs, path, { text: held, mark: `${processes.self.pid}-${attempt}` });
  }
  return "contended";
}

/** The live process that holds a lock; undefined when there is none. */
export async function holderOf({ fs, processes }: LockPorts, path: string): Promise<ProcessIdentity | undefined> {
  const text = await readLock(fs, path);
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder && processes.isAlive(holder) ? holder : undefined;
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
