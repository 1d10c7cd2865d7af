import { AppError } from "../../core/errors.ts";
import { compareEvaluations } from "../../evaluate/compare-evaluations.ts";
import { sideOfRun } from "../../evaluate/compared-side.ts";
import { rowOfCompletion } from "../../evaluate/evaluation-rows.ts";
import { naturalBudget } from "../../evaluate/paired-questions.ts";
import { settingKind } from "../../evaluate/settings.ts";
import { caveats } from "../../report/comparison-lines.ts";
import { answerKey, answerRow } from "../../report/page/answer-view.ts";
import {
  type ComparedQuestion,
  type ComparedSetting,
  type CompareView,
  standingOf,
} from "../../report/page/compare-view.ts";
import type { PageQuery } from "../../report/page/page-api.ts";
import { settingLabel } from "../../report/settings.ts";
import type { EvaluationComparison } from "../../schema/evaluation-summary.ts";
import type { Completion } from "../../schema/records.ts";
import { notComparable } from "../evaluation/compare-folders.ts";
import { type AnswerIndex, answerIndex } from "./answer-index.ts";
import type { PageReader } from "./page-reader.ts";
import type { RunFacts } from "./run-facts.ts";

/** More than these of a kind are not listed. */
const MOST_QUESTIONS = 1000;

/**
 * The run against the one that `with` names, as `grappa compare WITH RUN` has it; `at` chooses the setting whose questions are
 * listed. Throws as `answerIndex` for either, and "usage" where the two are one or cannot be compared.
 */
export async function readCompare(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<CompareView> {
  const other = query.with ?? "";
  if (other === facts.name) throw new AppError("usage", "both are the same run", { hint: "choose another beside it" });
  const [first, second] = [await answerIndex(await reader.facts(other), reader), await answerIndex(facts, reader)];
  const outcome = compareEvaluations(sideOfRun(other, textless(first)), sideOfRun(facts.name, textless(second)), {
    key: `compare/${other}/${facts.name}`,
  });
  if (outcome.kind === "refused") throw notComparable(outcome.mismatches);
  const settings = settingsOf(outcome.comparison);
  const chosen = settings.find(({ secondKey }) => secondKey === query.at) ?? usual(settings);
  return {
    first: other,
    second: facts.name,
    settings,
    caveats: caveats(outcome.comparison),
    key: chosen?.secondKey ?? "",
    ...questionsOf(first, second, chosen),
  };
}

/** A comparison reads no texts. */
function textless({ answers }: AnswerIndex): Completion[] {
  return answers.map((answer) => ({ ...answer, thinking: "", answer: "" }));
}

const budgetOf = (rows: EvaluationComparison["rows"]): number =>
  naturalBudget(rows.flatMap(({ firstSetting, secondSetting }) => [firstSetting, secondSetting]));

function settingsOf({ rows }: EvaluationComparison): ComparedSetting[] {
  const natural = budgetOf(rows);
  return rows.map((row) => ({
    firstKey: answerKey({ model: "student", setting: row.firstSetting }),
    secondKey: answerKey({ model: "student", setting: row.secondSetting }),
    label: [...new Set([row.firstSetting, row.secondSetting].map((one) => settingLabel(one, natural)))].join(" / "),
    row,
  }));
}

/** The natural end, which was decided beforehand; not whatever came out best. */
function usual(settings: readonly ComparedSetting[]): ComparedSetting | undefined {
  const natural = budgetOf(settings.map(({ row }) => row));
  return settings.find(({ row }) => settingKind(row.secondSetting, natural) === "natural") ?? settings[0];
}

function questionsOf(
  first: AnswerIndex,
  second: AnswerIndex,
  chosen: ComparedSetting | undefined,
): Pick<CompareView, "won" | "lost" | "wonInAll" | "lostInAll" | "bothRight" | "bothWrong"> {
  const at = (index: AnswerIndex, key: string | undefined) => index.answers.filter((answer) => answer.key === key);
  const [before, now] = [at(first, chosen?.firstKey), at(second, chosen?.secondKey)];
  const rows = (answers: typeof now) =>
    answers.map((answer) => rowOfCompletion({ ...answer, thinking: "", answer: "" }));
  const { won, lost, ...both } = standingOf(rows(before), rows(now));
  const firstById = firstAnswers(before);
  const secondById = firstAnswers(now);
  const compared = (id: string): ComparedQuestion[] => {
    const [a, b] = [firstById.get(id), secondById.get(id)];
    if (a === undefined || b === undefined) return [];
    return [{ first: answerRow(a, first.questions.get(id)), second: answerRow(b, second.questions.get(id)) }];
  };
  const listed = (ids: readonly string[]) => ids.slice(0, MOST_QUESTIONS).flatMap(compared);
  return { won: listed(won), lost: listed(lost), wonInAll: won.length, lostInAll: lost.length, ...both };
}

/** The first sample of each question. */
function firstAnswers(answers: AnswerIndex["answers"]): Map<string, AnswerIndex["answers"][number]> {
  return new Map(
    [...answers].sort((a, b) => b.sampleIndex - a.sampleIndex).map((answer) => [answer.questionId, answer]),
  );
}
