import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, SYSTEM_PATH } from "../../src/adapters/sandbox/sandbox.ts";

/** A folder, as PATH, that holds these programs of the system; undefined when one is missing. */
export async function pathWith(...names: readonly string[]): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "grappa-path-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const name of names) {
    const found = await findProgram(name, process.env["PATH"] ?? SYSTEM_PATH);
    if (found === undefined) return undefined;
    symlinkSync(found, join(folder, name));
  }
  return folder;
}
