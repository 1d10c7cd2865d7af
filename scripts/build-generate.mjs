// The program of a generate job: our thinking-budget machine and its client in one file, for a machine that has Node and nothing
// else of ours.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { notices } from "./build-live.mjs";

/** Where the bundle lies, below the repository; src/pipeline reads it. */
const OUT = "dist/generate/generate.mjs";

/** Bundles the program; the same sources give the same bytes. */
export async function buildGenerate(root) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ["src/adapters/runtimes/generate-main.ts"],
    bundle: true,
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    target: "node20",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "error",
    // undici is CommonJS and asks for Node's own modules.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
  const text = `${notices(root, Object.keys(result.metafile.inputs))}\n${result.outputFiles[0].text}`;
  const path = join(root, OUT);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
