// The scripts that pages carry: everything that an entry of src/live reaches, in one file, with the licences of the packages
// in it. esbuild refuses what a browser lacks, so nothing of Node's can slip in.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Entries, and where their bundles lie, below the repository; src/pipeline reads them (carry-student.ts, write-xray-page.ts). */
const BUNDLES = [
  { entry: "src/live/main.ts", out: "dist/live/bundle.js" },
  { entry: "src/live/xray-main.ts", out: "dist/live/xray.js" },
];

/** Bundles each entry; the same sources give the same bytes. */
export async function buildLive(root) {
  for (const bundle of BUNDLES) await buildBundle(root, bundle);
}

async function buildBundle(root, { entry, out }) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const code = result.outputFiles[0].text;
  const text = `${notices(root, Object.keys(result.metafile.inputs))}\n${code}`;
  // Either would end the script early, or change how a browser reads it, where it stands inside a page.
  if (/<\/script|<!--/i.test(text)) throw new Error(`${out} holds what cannot stand inside a page`);
  const path = join(root, out);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(join(root, "dist/live"), { recursive: true });
  writeFileSync(path, text);
}

/** Name, version and licence text of every package that went in, one text each. */
export function licences(root, inputs) {
  const names = new Set(inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  return [...names]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
      if (file === undefined) throw new Error(`${name} has no licence file to carry`);
      return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
    });
}

/** What stands between the texts. */
export const BETWEEN_LICENCES = "\n\n----\n\n";

/** The licences of what went in, as a comment. */
export function notices(root, inputs) {
  const entries = licences(root, inputs);
  const parts = [
    entries.length === 0
      ? "Grappa (MIT licence)."
      : "Grappa (MIT licence), with the packages below. The kernels were compiled by AssemblyScript (Apache-2.0, same text).",
    ...entries,
  ];
  return `/*!\n${parts.join(BETWEEN_LICENCES).replaceAll("*/", "* /")}\n*/`;
}
