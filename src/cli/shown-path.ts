import { relative } from "node:path";
import type { CliContext } from "./context.ts";

/** A path as a person at this place would write it. */
export function shownPath({ recipes }: Pick<CliContext, "recipes">, path: string): string {
  const short = relative(recipes.workingFolder, path);
  return short === "" || short.startsWith("..") ? path : short;
}
