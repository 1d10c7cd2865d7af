// Builds dist/: the WASM kernels when their sources are newer than the binaries, then TypeScript with `tsc -b`, then the
// scripts that run a student inside a report, the program that asks a server on a rented machine, and the page of `grappa ui`.
// --quiet says nothing on success; --clean starts from an empty dist/, so that a package holds no leftovers.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGenerate } from "./build-generate.mjs";
import { buildLive } from "./build-live.mjs";
import { buildUi } from "./build-ui.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isQuiet = process.argv.includes("--quiet");

/** Runs a tool of node_modules and stops the build with its exit status when it fails. */
function run(file, args) {
  const result = spawnSync(process.execPath, [join(root, "node_modules", file), ...args], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const SHARED_MEMORY = ["--sharedMemory", "--maximumMemory", "65536"];
const WASM_BUILDS = [
  { name: "kernels-simd", features: ["simd", "threads"], constant: "RELAXED=0", memory: SHARED_MEMORY },
  {
    name: "kernels-relaxed",
    features: ["simd", "threads", "relaxed-simd"],
    constant: "RELAXED=1",
    memory: SHARED_MEMORY,
  },
  // The plain kernels over memory that is not shared: a page opened from a file has no shared memory.
  { name: "kernels-page", features: ["simd"], constant: "RELAXED=0", memory: [] },
];

function buildWasm() {
  const sources = readdirSync(join(root, "assembly")).filter((name) => name.endsWith(".ts"));
  if (sources.length === 0) return;
  const newest = Math.max(
    ...sources.map((name) => statSync(join(root, "assembly", name)).mtimeMs),
    statSync(fileURLToPath(import.meta.url)).mtimeMs,
  );
  const outDir = join(root, "dist", "engine", "kernels", "wasm");
  mkdirSync(outDir, { recursive: true });
  for (const build of WASM_BUILDS) {
    const out = join(outDir, `${build.name}.wasm`);
    if (existsSync(out) && statSync(out).mtimeMs > newest) continue;
    const features = build.features.flatMap((name) => ["--enable", name]);
    run("assemblyscript/bin/asc.js", [
      "assembly/index.ts",
      "-o",
      out,
      "-O3",
      "--noAssert",
      "--converge",
      "--runtime",
      "stub",
      "--use",
      build.constant,
      ...features,
      "--importMemory",
      "--initialMemory",
      "16",
      ...build.memory,
    ]);
  }
}

if (process.argv.includes("--clean")) rmSync(join(root, "dist"), { recursive: true, force: true });
buildWasm();
run("typescript/bin/tsc", ["-b"]);
await buildLive(root);
await buildGenerate(root);
await buildUi(root);
const bin = join(root, "dist", "cli", "main.js");
if (existsSync(bin)) chmodSync(bin, 0o755);
if (!isQuiet) console.log("built dist/");
