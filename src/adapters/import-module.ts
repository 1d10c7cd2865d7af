import { pathToFileURL } from "node:url";

/** Runs a JavaScript module of the user's and gives its default export; undefined when it has none. */
export async function importDefault(path: string): Promise<unknown> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  return module.default;
}
