// The page of `grappa ui`: Vite makes one script and one style sheet of src/ui, with the licences of the packages in them.
// Built again only when something that went in is newer than what came out.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { BETWEEN_LICENCES, licences } from "./build-live.mjs";

/** What went into the last build, so that the next one knows whether to begin. */
const RECORD = "dist/.ui-inputs.json";

/** Builds dist/ui, unless it stands already. */
export async function buildUi(root) {
  const record = join(root, RECORD);
  if (isFresh(root, record)) return;
  const { build } = await import("vite"); // takes its time to load, and is rarely needed
  const result = await build({
    root: join(root, "src/ui"),
    base: "/",
    configFile: false,
    logLevel: "warn",
    clearScreen: false,
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    plugins: [reportStyle(root)],
    build: {
      outDir: join(root, "dist/ui"),
      emptyOutDir: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      // Nothing becomes a data: address: the page's policy allows none but for pictures.
      assetsInlineLimit: 0,
    },
  });
  const inputs = modulesOf(root, result.output);
  const texts = ["Grappa (MIT licence), with the packages below.", ...licences(root, inputs)];
  writeFileSync(join(root, "dist/ui/LICENCES.txt"), `${texts.join(BETWEEN_LICENCES)}\n`);
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(record, JSON.stringify(inputs.filter((path) => !path.startsWith("node_modules/"))));
}

/** Paths below the repository of everything that Vite read. */
function modulesOf(root, output) {
  const ids = output.flatMap((chunk) => [...Object.keys(chunk.modules ?? {}), ...(chunk.originalFileNames ?? [])]);
  const paths = ids.map((id) => {
    const path = id.replace(/\?.*$/, "").replace(/^\0/, "").replaceAll("\\", "/");
    // node_modules may be a link to another place.
    return /\/(node_modules\/.*)$/.exec(path)?.[1] ?? relative(root, path).replaceAll("\\", "/");
  });
  return [...new Set(paths)].filter((path) => !path.startsWith("..") && existsSync(join(root, path)));
}

function isFresh(root, record) {
  if (!existsSync(record) || !existsSync(join(root, "dist/ui/index.html"))) return false;
  const built = statSync(record).mtimeMs;
  const inputs = [...JSON.parse(readFileSync(record, "utf8")), ...filesBelow(root, "src/ui"), ...TOOLS];
  return inputs.every((path) => existsSync(join(root, path)) && statSync(join(root, path)).mtimeMs < built);
}

const TOOLS = ["scripts/build-ui.mjs", "package-lock.json", "src/report/charts/chart-style.ts"];

function filesBelow(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

/** `report:style.css`: colours and charts as the report has them, from its compiled source: one truth for both pages. */
function reportStyle(root) {
  const name = "report:style.css";
  const id = "\0report-style.css";
  return {
    name: "report-style",
    resolveId: (wanted) => (wanted === name ? id : undefined),
    load: async (wanted) => {
      if (wanted !== id) return undefined;
      const style = await import(pathToFileURL(join(root, "dist/report/charts/chart-style.js")).href);
      return [
        `:root{color-scheme:light;${style.LIGHT_PALETTE}}`,
        `:root[data-theme="dark"]{color-scheme:dark;${style.DARK_PALETTE}}`,
        `@media (prefers-color-scheme:dark){:root:not([data-theme="light"]){color-scheme:dark;${style.DARK_PALETTE}}}`,
        style.CHART_STYLE,
      ].join("\n");
    },
  };
}
