// Imports a TypeScript module of the tests from a script: bundled with what it imports into .tmp/, packages left alone.
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The exports of a module of test/, by its path from the root of the repository. */
export async function importTypeScript(path) {
  const folder = join(root, ".tmp", "scripts");
  await mkdir(folder, { recursive: true });
  const outfile = join(folder, `${basename(path, ".ts")}-${process.pid}.mjs`);
  const shape = { bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "error" };
  await build({ entryPoints: [join(root, path)], outfile, ...shape });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile);
  }
}
