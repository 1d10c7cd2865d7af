/** @file A LoRA that its trainer had no memory to merge: merged here, stretch by stretch, where its base's weights are. */
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import { shellWord } from "../../../adapters/launchers/shell-words.ts";
import { AppError } from "../../../core/errors.ts";
import { findExported, openExported } from "../../export/find-exported.ts";
import { readModelFiles } from "../../export/model-files.ts";
import { type PartRequest, writeHfTexts, writeHfWeights } from "../../export/model-parts.ts";
import type { StageContext } from "../../stage.ts";
import { jobBase } from "./models.ts";

/** What merging needs of the stage. */
export type MergeContext = Pick<StageContext, "recipe" | "baseFolder" | "signal" | "progress">;

/**
 * Writes the student that an adapter and the run's base make, in the base's types, as `grappa export` does.
 *
 * @param adapter its folder, which stays as it is
 * @throws {AppError} "model-missing" where it cannot be merged here: where the adapter lies, and how to merge it by hand.
 */
export async function mergeAdapter(context: MergeContext, adapter: string, folder: string): Promise<void> {
  try {
    await merge(context, adapter, folder);
  } catch (error) {
    if (context.signal.aborted || !(error instanceof AppError)) throw error;
    throw notMerged(context, adapter, error);
  }
}

async function merge({ baseFolder, signal, progress }: MergeContext, adapter: string, folder: string): Promise<void> {
  const fs = nodeFileSystem();
  const places = { fs, workingFolder: baseFolder, packageFolder: baseFolder };
  const model = await findExported(adapter, baseFolder, places);
  const files = await readModelFiles(fs, { ...model, tokenizerFolder: baseFolder });
  const source = await openExported(model);
  try {
    await fs.makeFolder(folder);
    const told = (done: number, total: number): void =>
      progress({ done, total, unit: "bytes", note: "merging the adapter" });
    const request: PartRequest = { fs, folder, source, files, type: null, signal, progress: told };
    await writeHfWeights({ ...request, type: null });
    await writeHfTexts(request);
  } finally {
    await source.close();
  }
}

function notMerged(context: MergeContext, adapter: string, { message }: AppError): AppError {
  const { recipe, baseFolder } = context;
  const base = jobBase(context);
  const byHand = `grappa export ${shellWord(adapter)} --base ${shellWord(baseFolder)} --to hf`;
  const fetched =
    base.type === "hub"
      ? `get the base: hf download ${base.repository} --revision ${base.commit} --local-dir ${shellWord(baseFolder)}; then `
      : "";
  return new AppError(
    "model-missing",
    `the trainer had too little memory to merge its adapter, and here it cannot be merged (${message}); it is kept in ${adapter}`,
    {
      hint: `${fetched}run again, which fetches the adapter and merges it, or merge it by hand: ${byHand}`,
      data: { adapter, base: recipe.student.base },
    },
  );
}
