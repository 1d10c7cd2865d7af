import { resolve } from "node:path";
import { importDataset } from "../../pipeline/import-dataset.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { hubAccess } from "../hub-access.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface ImportFlags extends CommonFlags {
  readonly out: string;
  readonly student: string;
  readonly questionField?: string;
  readonly thinkingField?: string;
  readonly answerField?: string;
  readonly model?: string;
}

/** Writes a recipe for recorded traces. */
export default presenting<ImportFlags, [string]>((context, flags, data) =>
  untilInterrupted(context, "nothing was written", async (signal) => {
    const { out, student, questionField, thinkingField, answerField, model } = flags;
    const { workingFolder } = context.recipes;
    const found = await importDataset(context.fs, {
      data,
      folder: resolve(workingFolder, out),
      workingFolder,
      student,
      fields: {
        ...(questionField === undefined ? {} : { question: questionField }),
        ...(thinkingField === undefined ? {} : { thinking: thinkingField }),
        ...(answerField === undefined ? {} : { answer: answerField }),
      },
      ...(model === undefined ? {} : { model }),
      hub: hubAccess(context),
      signal,
    });
    const result = { ...found, path: shownPath(context, found.path) };
    const { question, thinking, answer } = found.fields;
    return {
      json: result,
      text: [
        `${found.usable} of ${found.rows} rows have question (${question}), reasoning (${thinking}) and answer (${answer})`,
        `${result.path} trains on them; look at student, select and tokenize first, then: grappa run ${result.path}`,
      ].join("\n"),
    };
  }),
);
