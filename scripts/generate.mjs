// Writes what is generated from the schemas: schemas/*.schema.json and docs/recipe.md. With --check it writes nothing and
// fails when a file is stale. Needs dist/ (npm run generate builds it first).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "../dist/schema/generated-files.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = generatedFiles();
const stale = [...files].filter(
  ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== text,
);
const schemas = join(root, "schemas");
mkdirSync(schemas, { recursive: true });
const orphans = readdirSync(schemas)
  .map((name) => `schemas/${name}`)
  .filter((path) => !files.has(path));

if (process.argv.includes("--check")) {
  for (const path of [...stale.map(([path]) => path), ...orphans]) console.error(`${path} is stale: npm run generate`);
  if (stale.length + orphans.length > 0) process.exitCode = 1;
} else {
  mkdirSync(join(root, "docs"), { recursive: true });
  for (const [path, text] of stale) writeFileSync(join(root, path), text);
  for (const path of orphans) rmSync(join(root, path));
  console.log(`${files.size} files, ${stale.length} written, ${orphans.length} removed`);
}
