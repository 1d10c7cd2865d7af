/** @file Two folders, each an evaluation's or a run's, as the sides of one comparison. */
import { basename } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { readJsonl } from "../../adapters/store/jsonl.ts";
import { AppError } from "../../core/errors.ts";
import { type ComparedSide, compareEvaluations } from "../../evaluate/compare-evaluations.ts";
import { settingPhrase } from "../../evaluate/settings.ts";
import { sideOfEvaluation, sideOfRun } from "../../evaluate/compared-side.ts";
import type { EvaluationSample } from "../../schema/evaluation.ts";
import type { Contamination, EvaluationComparison, Mismatch } from "../../schema/evaluation-summary.ts";
import { Completion, type ThinkingSetting } from "../../schema/records.ts";
import { readRunManifest } from "../run-folder.ts";
import { stageFolder } from "../stage-folder.ts";
import { readContamination, readSamples, readScores, requireComplete } from "./evaluation-folder.ts";
import { type EvaluationPlaces, findComparable, type FoundEvaluation } from "./find-evaluation.ts";

/** What to compare. */
export interface CompareRequest extends EvaluationPlaces {
  readonly first: string;
  readonly second: string;
  /** `natural`, `direct`, `budget=N`, `wait=N` or `reject=N`: that setting alone. */
  readonly setting?: string;
  /** Compares in spite of other versions of task, data or grader. */
  readonly isForced: boolean;
}

/**
 * Compares the second with the first.
 *
 * @throws AppError "file-missing": no such folder, or it is not finished; "usage": both are one, or the two cannot be
 *   compared, naming in what they differ.
 */
export async function compareFolders(request: CompareRequest): Promise<EvaluationComparison> {
  const [first, second] = [await openSide(request.first, request), await openSide(request.second, request)];
  if (first.folder === second.folder)
    throw new AppError("usage", `${request.first} and ${request.second} are the same: ${first.folder}`, {
      hint: "name two evaluations or runs",
    });
  const [a, b] = distinctLabels([first.side, second.side], request);
  const pick = settingPicker(request.setting);
  const contamination = joined(first.contamination, second.contamination);
  const outcome = compareEvaluations(pick(a), pick(b), {
    key: `compare/${request.first}/${request.second}`,
    isForced: request.isForced,
    ...(contamination === undefined ? {} : { contamination }),
  });
  if (outcome.kind === "compared") return outcome.comparison;
  throw notComparable(outcome.mismatches);
}

interface OpenedSide {
  readonly folder: string;
  readonly side: ComparedSide;
  readonly contamination: Contamination | undefined;
}

async function openSide(name: string, places: EvaluationPlaces): Promise<OpenedSide> {
  const found = await findComparable(name, places);
  if ("runFolder" in found) {
    const { runFolder } = found;
    return { folder: runFolder, side: await openRunSide(places.fs, runFolder), contamination: undefined };
  }
  return await openEvaluationSide(places.fs, found);
}

async function openEvaluationSide(fs: FileSystem, { folder, header }: FoundEvaluation): Promise<OpenedSide> {
  await requireComplete(fs, folder);
  const samples: EvaluationSample[] = [];
  // Only verdicts and counts are compared; what was said would fill the memory.
  for await (const sample of readSamples(fs, folder, await readScores(fs, folder)))
    samples.push({ ...sample, thinking: "", answer: "" });
  const contamination = await readContamination(fs, folder);
  return { folder, side: sideOfEvaluation(header.model.name, header, samples), contamination };
}

async function openRunSide(fs: FileSystem, runFolder: string): Promise<ComparedSide> {
  const key = (await readRunManifest(fs, runFolder))?.stages.find(({ stage }) => stage === "evaluate")?.key;
  if (key === undefined)
    throw new AppError("file-missing", `${runFolder}: the run is not finished`, { hint: "go on with it first" });
  const completions: Completion[] = [];
  const path = joinPath(stageFolder(runFolder, "evaluate", key), "completions.jsonl");
  for await (const completion of readJsonl(path, Completion)) completions.push(completion);
  return sideOfRun(basename(runFolder), completions);
}

/** Two sides of one name are called by what the command line called them. */
function distinctLabels([a, b]: readonly [ComparedSide, ComparedSide], { first, second }: CompareRequest) {
  if (a.label !== b.label) return [a, b] as const;
  const [one, other] = basename(first) === basename(second) ? [first, second] : [basename(first), basename(second)];
  return [
    { ...a, label: one },
    { ...b, label: other },
  ] as const;
}

const SETTING = /^(?:natural|direct|(budget|wait|reject)=(\d{1,7}))$/;

/** Leaves the rows of the wanted setting; all where none is wanted. */
function settingPicker(wanted: string | undefined): (side: ComparedSide) => ComparedSide {
  if (wanted === undefined) return (side) => side;
  const match = SETTING.exec(wanted);
  if (match === null)
    throw new AppError("usage", `no setting is called ${wanted}`, {
      hint: "write natural, direct, budget=N, wait=N or reject=N",
    });
  const [, axis, count] = match;
  return (side) => {
    const natural = Math.max(...side.rows.map(({ setting }) => setting.budgetTokens));
    const is = ({ mode, budgetTokens, waits, maxTries }: ThinkingSetting): boolean => {
      if (wanted === "direct") return mode === "direct";
      if (mode === "direct") return false;
      if (axis === "reject" || maxTries !== undefined)
        return axis === "reject" && maxTries !== undefined && budgetTokens === Number(count);
      if (wanted === "natural") return waits === 0 && budgetTokens === natural;
      return axis === "budget" ? waits === 0 && budgetTokens === Number(count) : waits === Number(count);
    };
    const rows = side.rows.filter(({ setting }) => is(setting) && setting.silent === undefined);
    if (rows.length > 0) return { ...side, rows };
    const there = [...new Set(side.rows.map(({ setting }) => settingPhrase(setting, natural)))];
    throw new AppError("usage", `${side.label} was not evaluated under ${wanted}`, {
      hint: `it was ${there.join("; ")}`,
    });
  };
}

/** What either side was trained on. */
function joined(a: Contamination | undefined, b: Contamination | undefined): Contamination | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const sameId = union(a.sameId, b.sameId);
  const sharedText = union(a.sharedText, b.sharedText).filter((id) => !sameId.includes(id));
  return { ...a, examples: a.examples + b.examples, sameId, sharedText };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

const FIELDS: Readonly<Record<Mismatch["field"], string>> = {
  task: "the task",
  taskVersion: "the task's version",
  dataSha256: "the data",
  graderVersion: "the grader's version",
  setting: "the settings",
};

/** Says in what two evaluations differ that cannot be compared. */
export function notComparable(mismatches: readonly Mismatch[]): AppError {
  const what = mismatches.map(({ field, first, second }) => `${FIELDS[field]} (${first} and ${second})`).join("; ");
  return new AppError("usage", `the two cannot be compared: they differ in ${what}`, {
    hint: hintFor(mismatches.map(({ field }) => field)),
    data: { mismatches },
  });
}

function hintFor(fields: readonly Mismatch["field"][]): string {
  if (fields.includes("task")) return "compare evaluations of one task";
  if (fields.includes("setting"))
    return "name one that each has: --setting natural, direct, budget=N, wait=N or reject=N";
  if (fields.every((field) => field === "graderVersion")) return "grade the older one again: grappa rescore";
  return "evaluate both on the same data, or compare all the same with --force";
}
