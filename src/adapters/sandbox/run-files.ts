import { invariant } from "../../core/errors.ts";

/** Files of one run, at most: each takes a descriptor. */
const MAX_FILES = 64;

/** A run's files, checked: relative paths of plain names, `main.py` among them. */
export function fileEntries(files: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const entries = Object.entries(files);
  invariant(Object.hasOwn(files, "main.py"), "a run has no main.py");
  invariant(entries.length <= MAX_FILES, `a run has ${entries.length} files; the limit is ${MAX_FILES}`);
  for (const [path] of entries) {
    invariant(/^(?:\w[\w.-]*\/)*\w[\w.-]*$/.test(path), `a run's file has the path ${JSON.stringify(path)}`);
  }
  return entries;
}
