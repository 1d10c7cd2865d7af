import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it; one that is there is fine. Node's own `recursive` tries for ever where a parent that
 * exists refuses children by ENOENT, as /proc does.
 *
 * @throws the system's error: EEXIST for a file in the way, ENOTDIR, EACCES, ENOSPC, ...
 */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === path) throw error;
    await makeFolders(parent);
    await mkdir(path).catch(async (second: unknown) => {
      if (!(await isFolder(path))) throw second; // somebody else was quicker
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
