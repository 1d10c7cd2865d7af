/** @file What a run that was started from the page said when it failed. */
import { z } from "zod";
import type { FileSystem } from "../../adapters/file-system.ts";

const MAX_LINE_BYTES = 256 * 1024;
const MOST_CHARACTERS = 2000;

/** The line that a command with `--json` ends with when it fails. */
const Failure = z.object({ error: z.object({ message: z.string(), hint: z.string().nullish() }) });

/** The failure that a command with `--json` wrote, hint included; null where there is none, or it cannot be read. */
export async function failureIn(fs: FileSystem, path: string): Promise<string | null> {
  let found: string | null = null;
  try {
    for await (const line of fs.readLines(path, MAX_LINE_BYTES)) found = failureOf(line) ?? found;
  } catch {
    return found; // no output, or none of a run's
  }
  return found;
}

function failureOf(line: string): string | null {
  if (!line.startsWith("{")) return null;
  try {
    const { success, data } = Failure.safeParse(JSON.parse(line));
    if (!success) return null;
    const { message, hint } = data.error;
    return (hint ? `${message}; ${hint}` : message).slice(0, MOST_CHARACTERS);
  } catch {
    return null;
  }
}
