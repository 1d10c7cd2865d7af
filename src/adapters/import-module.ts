import { pathToFileURL } from "node:url";
import { AppError } from "../core/errors.ts";

/**
 * Runs a JavaScript module of the user's and gives its default export; undefined when it has none.
 *
 * @throws AppError "recipe-invalid" with the module's own words when it cannot be loaded or throws.
 */
export async function importDefault(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return module.default;
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("recipe-invalid", `${path}: the module could not be loaded: ${words}`, {
      cause,
      ...(/Cannot find package 'grappa'/.test(words) && { hint: NOT_INSTALLED }),
    });
  }
}

/** `npx` runs a package without putting it where a module could import it from. */
const NOT_INSTALLED =
  'install grappa beside the module (npm install), or import nothing: a plain object does, and for a verifier { type: "function", name, version, verify }';
