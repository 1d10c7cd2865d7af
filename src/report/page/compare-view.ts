/** @file Two runs compared question by question: what `grappa compare` says, and which questions were won and lost. */
import type { EvaluationRow } from "../../evaluate/evaluation-rows.ts";
import { byQuestion, rightShare } from "../../evaluate/paired-questions.ts";
import type { ComparisonRow } from "../../schema/evaluation-summary.ts";
import type { AnswerRow } from "./answer-view.ts";

/** One setting of both runs. */
export interface ComparedSetting {
  /** Names model and setting of each side, as answers are asked for. */
  readonly firstKey: string;
  readonly secondKey: string;
  readonly label: string;
  readonly row: ComparisonRow;
}

/** A question that one side got right more often than the other; the first answer of each. */
export interface ComparedQuestion {
  readonly first: AnswerRow;
  readonly second: AnswerRow;
}

/** The run that is looked at, as second, against another, as first. */
export interface CompareView {
  readonly first: string;
  readonly second: string;
  readonly settings: readonly ComparedSetting[];
  /** What must be known beside it. */
  readonly caveats: readonly string[];
  /** Key of the second side whose questions are listed. */
  readonly key: string;
  /** Right here, wrong there; the first of them. */
  readonly won: readonly ComparedQuestion[];
  readonly lost: readonly ComparedQuestion[];
  /** How many there are, listed or not. */
  readonly wonInAll: number;
  readonly lostInAll: number;
  /** Questions on which both are equally often right. */
  readonly bothRight: number;
  readonly bothWrong: number;
}

/** Ids of the questions on which one side is right more often, and how many there are on which neither is. */
export interface Standing {
  readonly won: readonly string[];
  readonly lost: readonly string[];
  readonly bothRight: number;
  readonly bothWrong: number;
}

/** How the second side stands against the first on every question that both scored; half right counts as right where both are. */
export function standingOf(first: readonly EvaluationRow[], second: readonly EvaluationRow[]): Standing {
  const before = new Map(byQuestion(first).map(({ questionId, rows }) => [questionId, rightShare(rows)]));
  const pairs = byQuestion(second).flatMap(({ questionId, rows }) => {
    const share = before.get(questionId);
    return share === undefined ? [] : [{ questionId, first: share, second: rightShare(rows) }];
  });
  const same = pairs.filter((pair) => pair.first === pair.second);
  return {
    won: pairs.filter((pair) => pair.second > pair.first).map(({ questionId }) => questionId),
    lost: pairs.filter((pair) => pair.second < pair.first).map(({ questionId }) => questionId),
    bothRight: same.filter((pair) => pair.second > 0).length,
    bothWrong: same.filter((pair) => pair.second === 0).length,
  };
}
