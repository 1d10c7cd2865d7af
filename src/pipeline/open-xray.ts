/** @file A run's examples, each held again against its texts and the base's own files, as they lie on the disk now. */
import type { FileSystem } from "../adapters/file-system.ts";
import { readTokenizerFolder } from "../adapters/model-folder.ts";
import { AppError } from "../core/errors.ts";
import type { Recipe } from "../schema/recipe.ts";
import { Example } from "../schema/records.ts";
import { roleSpans } from "../tokenize/example-roles.ts";
import { type StudentFormat, studentFormat } from "../tokenize/student-format.ts";
import { checkExample } from "../tokenize/training-example.ts";
import type { XrayRow } from "../tokenize/xray.ts";
import { openStageAsItLies } from "./finished-stages.ts";
import { findBase } from "./load-recipe.ts";
import { readRecipe } from "./run-folder.ts";
import type { StageInput } from "./stage.ts";
import { type ChosenTexts, chosenTexts } from "./stages/chosen-texts.ts";
import { EXAMPLES_FILE } from "./stages/tokenize.ts";

/** A run open for the x-ray. */
export interface XrayRun {
  readonly recipe: Recipe;
  readonly format: StudentFormat;
  /** Whether the base's tokenizer or template changed after the examples were made. */
  readonly isTokenizerChanged: boolean;
  /** Every example, in the order of the selection. May be called again. */
  rows(): AsyncIterable<XrayRow>;
}

/** Where a run lies, and where the bases that come with grappa do. */
export interface OpenXrayOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly packageFolder: string;
  /** Where bases of the hub are. */
  readonly cacheFolder?: string;
}

/**
 * Opens a run whose tokenize stage is done.
 *
 * @throws AppError "file-missing" while it is not; "usage" where a provider trains the student, whose tokenizer is not here;
 *   "run-changed" when earlier stages have run again since; what reading the base throws.
 */
export async function openXray({ fs, folder, packageFolder, cacheFolder }: OpenXrayOptions): Promise<XrayRun> {
  const recipe = await readRecipe(fs, folder);
  if (recipe === undefined) throw new AppError("file-missing", `${folder}: no run here`);
  const tokenized = await openStageAsItLies(fs, folder, "tokenize");
  if (recipe.student.hosted) throw noTokensHere(tokenized);
  const input = await inputsOf(fs, folder, tokenized);
  const { baseFolder } = await findBase(recipe.student.base, folder, {
    fs,
    packageFolder,
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  });
  const base = await readTokenizerFolder(baseFolder);
  const format = studentFormat(base, recipe.tokenize.style);
  const { target, maxLength } = recipe.tokenize;
  const measure: Measure = { format, isThinking: target === "traces", maxLength };
  const chosen = await chosenTexts(input);
  async function* rows(): AsyncGenerator<XrayRow> {
    let place = 0;
    for await (const example of tokenized.streamRows(EXAMPLES_FILE, Example)) {
      const texts = chosen[place];
      place += 1;
      if (texts === undefined || texts.trace.id !== example.traceId) throw misplaced(tokenized, place, example.traceId);
      yield xrayRow(example, texts, measure);
    }
    if (place < chosen.length) throw misplaced(tokenized, place + 1, chosen[place]?.trace.id ?? "");
  }
  return { recipe, format, isTokenizerChanged: tokenized.manifest.facts.tokenizer !== base.tokenizerHash, rows };
}

interface Measure {
  readonly format: StudentFormat;
  readonly isThinking: boolean;
  readonly maxLength: number;
}

function xrayRow(example: Example, { question, trace }: ChosenTexts, measure: Measure): XrayRow {
  const { format, isThinking, maxLength } = measure;
  const texts = { question: question.text, thinking: isThinking ? trace.thinking : null, answer: trace.answer };
  const { questionId, traceId, inputIds, labels, thinkingTokens } = example;
  return {
    questionId,
    traceId,
    question: question.text,
    inputIds,
    labels,
    thinkingTokens,
    spans: roleSpans(format, inputIds),
    faults: checkExample(format, { texts, sequence: example }, maxLength),
  };
}

/**
 * The stages that the examples were made from.
 *
 * @throws AppError "run-changed" where they are not what they were then
 */
export async function inputsOf(fs: FileSystem, folder: string, { manifest }: StageInput) {
  const opened = {
    attempt: await openStageAsItLies(fs, folder, "attempt"),
    trace: await openStageAsItLies(fs, folder, "trace"),
    select: await openStageAsItLies(fs, folder, "select"),
  };
  for (const stage of ["attempt", "trace", "select"] as const) {
    if (opened[stage].manifest.outputHash === manifest.inputs[stage]) continue;
    throw new AppError("run-changed", `${folder}: ${stage} has run again since the examples were made`, {
      hint: "go on with the run until tokenize, then look again",
      data: { stage },
    });
  }
  return (stage: keyof typeof opened): StageInput => opened[stage];
}

function noTokensHere(tokenized: StageInput): AppError {
  return new AppError(
    "usage",
    "this student is trained by a provider, with a tokenizer that is not here: there are no tokens to show",
    {
      hint: `grappa xray RUN shows the chats that are sent; they lie in ${tokenized.path("training.jsonl")}`,
    },
  );
}

function misplaced(tokenized: StageInput, row: number, traceId: string): AppError {
  return new AppError(
    "file-corrupt",
    `${tokenized.path(EXAMPLES_FILE)}: row ${row} is not that of trace ${traceId}, as the selection has it`,
    {
      hint: "run again with --from tokenize",
      data: { row, traceId },
    },
  );
}
