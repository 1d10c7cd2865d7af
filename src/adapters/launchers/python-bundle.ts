/** @file The Python that this package ships, as files of a job. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../../core/errors.ts";
import { type FileSystem, joinPath } from "../file-system.ts";
import type { BundleFile } from "./launcher.ts";

/** Paths below `python/` that go with a job: programs, their package, requirements; no tests, fixtures or caches. */
const SHIPPED = [
  /^[a-z_]+\.py$/,
  /^requirements[a-z-]*\.txt$/,
  /^grappa_torch\/(?!.*(?:__pycache__|\/tests?\/)).*\.py$/,
];
const NOT_SHIPPED = new Set(["requirements-dev.txt", "requirements-test.txt"]);
const MAX_BYTES = 1 << 20;

/** Folder of this package, as npm installed it or as it is checked out. */
export const packageFolder = (): string => dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/**
 * The Python programs of this package with their requirements, at the paths that they have below `python/`.
 *
 * @param folder the package's folder
 * @throws AppError "file-missing" where the package was installed without them
 */
export async function pythonBundle(fs: FileSystem, folder: string = packageFolder()): Promise<BundleFile[]> {
  const python = joinPath(folder, "python");
  const paths = (await fs.list(python))
    .map(({ path }) => path)
    .filter((path) => SHIPPED.some((pattern) => pattern.test(path)) && !NOT_SHIPPED.has(path));
  if (!paths.some((path) => path.endsWith(".py")))
    throw new AppError("file-missing", `${python}: the Python programs of this package are not there`, {
      hint: "install grappa again",
    });
  return await Promise.all(
    paths.map(async (path) => ({ path, bytes: await fs.readBytes(joinPath(python, path), MAX_BYTES) })),
  );
}
