import { resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { exportDataset } from "../../pipeline/export/export-dataset.ts";
import { exportModel, type ModelFormat } from "../../pipeline/export/export-model.ts";
import { findExported } from "../../pipeline/export/find-exported.ts";
import { counted } from "../../report/number-format.ts";
import type { WeightType } from "../../student/export/weight-types.ts";
import { byteProgress } from "../byte-progress.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { findRun } from "../find-run.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface ExportFlags extends CommonFlags {
  readonly to: "dataset" | ModelFormat;
  readonly type?: WeightType;
  readonly base?: string;
  readonly out?: string;
}

/** Writes a run's data set, or a student. */
export default presenting<ExportFlags, [string]>(async (context, flags, target) =>
  flags.to === "dataset"
    ? await datasetOf(context, flags, target)
    : await modelOf(context, { ...flags, to: flags.to }, target),
);

async function datasetOf(context: CliContext, { out, type, base }: ExportFlags, run: string): Promise<CommandResult> {
  if (type !== undefined || base !== undefined)
    throw new AppError("usage", "--type and --base are for a student", { hint: "add --to hf or --to gguf" });
  if (out === undefined)
    throw new AppError("usage", "--out is missing: the folder for the data set", {
      hint: "for the student instead, add --to hf or --to gguf",
    });
  const folder = resolve(context.recipes.workingFolder, out);
  const outcome = await exportDataset(context.fs, await findRun(context, run), folder);
  const place = shownPath(context, folder);
  return {
    json: { ...outcome, folder: place },
    text: [
      `${counted(outcome.examples, "example")} of ${outcome.run}: ${place}`,
      ...outcome.files.map(({ path, bytes }) => `  ${path}, ${counted(bytes, "byte")}`),
      "read README.md before you publish it: licences and terms are yours to judge",
    ].join("\n"),
  };
}

type ModelFlags = ExportFlags & { readonly to: ModelFormat };

async function modelOf(
  context: CliContext,
  { to, type, base, out }: ModelFlags,
  target: string,
): Promise<CommandResult> {
  const { version, recipes } = context;
  const places = recipes;
  return await untilInterrupted(
    context,
    "the same command goes on: whole files are not written again",
    async (signal) => {
      const model = await findExported(target, base, places);
      const usual = model.runFolder === null ? `${model.name}-${to}` : resolve(model.runFolder, `model-${to}`);
      const folder = resolve(recipes.workingFolder, out ?? usual);
      const progress = byteProgress(context, `writing ${to}`);
      const request = { model, formats: [to], type: type ?? null, folder, grappa: version, repo: null, signal };
      const { card, ...outcome } = await exportModel({ ...request, progress: progress.report }, places).finally(
        progress.end,
      );
      const place = shownPath(context, folder);
      return {
        json: { ...outcome, folder: place, licence: card.base.licence },
        text: [
          `${outcome.name}${outcome.isMerged ? ", adapter merged," : ""} as ${to}, ${outcome.type}: ${place}`,
          ...outcome.files.map(
            ({ path, bytes }) =>
              `  ${path}, ${counted(bytes, "byte")}${outcome.kept.includes(path) ? ", there already" : ""}`,
          ),
          ...outcome.warnings.map((warning) => `warning: ${warning}`),
          "read README.md before you publish it: licences and terms are yours to judge",
        ].join("\n"),
      };
    },
  );
}
