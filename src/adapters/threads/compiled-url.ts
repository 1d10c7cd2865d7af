/**
 * The address of a file of `dist/`, given relative to the module at `from` (its `import.meta.url`) and named as in the
 * source. Worker threads and kernel binaries exist only compiled, so a module that vitest runs from `src/` is answered
 * with the file's counterpart in `dist/` (`npm test` builds first).
 */
export function compiledUrl(from: string, relative: string): URL {
  const isSource = from.endsWith(".ts");
  const href = new URL(relative, from).href.replace(/\.ts$/, ".js");
  // The last /src/ of the path: a checkout may itself lie below a folder of that name.
  return new URL(isSource ? href.replace(/\/src\/(?!.*\/src\/)/, "/dist/") : href);
}
