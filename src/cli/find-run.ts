import { resolve } from "node:path";
import { joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { didYouMean } from "../pipeline/near-names.ts";
import { readHeader } from "../pipeline/run-folder.ts";
import type { CliContext } from "./context.ts";

/**
 * The folder of a run, from its path or its name in `runs/`.
 *
 * @throws AppError "file-missing" listing the runs there are; "schema-version" when another grappa wrote it.
 */
export async function findRun({ fs, recipes }: Pick<CliContext, "fs" | "recipes">, run: string): Promise<string> {
  const runs = resolve(recipes.workingFolder, "runs");
  for (const folder of [resolve(recipes.workingFolder, run), resolve(runs, run)])
    if (await readHeader(fs, folder)) return folder;
  const names: string[] = [];
  for (const name of await fs.names(runs))
    if ((await fs.kind(joinPath(runs, `${name}/run.json`))) === "file") names.push(name);
  throw new AppError("file-missing", `no run at ${run}, and none of that name in ${runs}${didYouMean(run, names)}`, {
    hint: names.length === 0 ? "`grappa demo` makes one" : `there are: ${names.join(", ")}`,
    data: { run, runs: names },
  });
}
