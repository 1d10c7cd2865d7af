/** @file The sides of a comparison, from the two kinds of folder that can be compared. */
import type { EvaluationHeader, EvaluationSample } from "../schema/evaluation.ts";
import type { Completion } from "../schema/records.ts";
import type { ComparedSide } from "./compare-evaluations.ts";
import { rowOfCompletion, rowOfSample } from "./evaluation-rows.ts";

/** A side from an evaluation's folder. @param samples with the verdicts that count, after any rescoring */
export function sideOfEvaluation(
  label: string,
  header: EvaluationHeader,
  samples: readonly EvaluationSample[],
): ComparedSide {
  const graders = [...new Set(samples.map(({ graderVersion }) => graderVersion))].sort();
  return {
    label,
    facts: {
      task: header.task.name,
      taskVersion: header.task.version,
      dataSha256: header.task.sha256,
      graderVersion: graders.length === 0 ? header.graderVersion : graders.join(" and "),
    },
    rows: samples.map(rowOfSample),
    temperature: header.temperature,
  };
}

/**
 * A side from the evaluate stage of a run (`grappa run`, `grappa demo`). Its questions are told apart by hashes of their
 * text, so runs with different held-out questions are compared on those in common.
 */
export function sideOfRun(
  label: string,
  completions: readonly Completion[],
  model: Completion["model"] = "student",
): ComparedSide {
  const rows = completions.filter((completion) => completion.model === model);
  return {
    label,
    facts: { task: "held-out questions of a run", taskVersion: null, dataSha256: null, graderVersion: null },
    rows: rows.map(rowOfCompletion),
    temperature: 0,
  };
}
