import { AppError } from "../../core/errors.ts";
import { compareSettings, settingKind } from "../../evaluate/settings.ts";
import {
  type AnswerList,
  answerKey,
  answerRow,
  type AnswerView,
  answerView,
  type SettingTally,
} from "../../report/page/answer-view.ts";
import type { PageQuery } from "../../report/page/page-api.ts";
import { modelAndSetting } from "../../report/settings.ts";
import { type AnswerIndex, answerIndex, type IndexedAnswer, readAnswerAt } from "./answer-index.ts";
import type { PageReader } from "./page-reader.ts";
import type { RunFacts } from "./run-facts.ts";

/** More than these are counted, not listed. */
const MOST_ROWS = 2000;

/** The answers at `at`, or of the student at its natural end. Throws as `answerIndex`; "usage" where none is called `at`. */
export async function readAnswers(facts: RunFacts, reader: PageReader, { at }: PageQuery): Promise<AnswerList> {
  const index = await answerIndex(facts, reader);
  const settings = talliesOf(index);
  const key = at ?? usualKey(index);
  const found = index.answers.filter((answer) => answer.key === key);
  if (found.length === 0 && at !== undefined) throw noSuch(`the evaluation has no answers at "${at.slice(0, 100)}"`);
  const rows = found.slice(0, MOST_ROWS).map((answer) => answerRow(answer, index.questions.get(answer.questionId)));
  return { run: facts.name, settings, key, rows, left: Math.max(0, found.length - MOST_ROWS) };
}

/** One answer: `question`, `at`, and where there are several `sample`. Throws as {@link readAnswers}. */
export async function readAnswer(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<AnswerView> {
  const index = await answerIndex(facts, reader);
  const [at, sample] = [query.at ?? usualKey(index), Number(query.sample ?? 0)];
  const same = index.answers.filter(
    ({ questionId, sampleIndex }) => questionId === query.question && sampleIndex === sample,
  );
  const answer = same.find(({ key }) => key === at);
  if (answer === undefined)
    throw noSuch(
      `the evaluation has no answer to question "${(query.question ?? "").slice(0, 100)}" at "${at.slice(0, 100)}"`,
    );
  const fewer = await Promise.all(withFewerWaits(answer, same).map((other) => readAnswerAt(index, other)));
  const label = labelOf(index, answer);
  const others = sorted(index, same).map((other) => ({
    key: other.key,
    label: labelOf(index, other),
    outcome: other.grade.outcome,
  }));
  const question = index.questions.get(answer.questionId);
  return answerView(await readAnswerAt(index, answer), question, { run: facts.name, label, others, fewer });
}

/** Answers drawn alike but with fewer waits, fewest first. */
function withFewerWaits({ model, setting }: IndexedAnswer, same: readonly IndexedAnswer[]): IndexedAnswer[] {
  return same
    .filter(
      ({ key, setting: { waits } }) =>
        waits < setting.waits && key === answerKey({ model, setting: { ...setting, waits } }),
    )
    .sort((a, b) => a.setting.waits - b.setting.waits);
}

function talliesOf(index: AnswerIndex): SettingTally[] {
  return sorted(index, index.scores).map((score) => ({
    key: answerKey(score),
    label: labelOf(index, score),
    n: score.n,
    accuracy: score.accuracy,
    interval: score.interval,
    thinkingTokens: score.thinkingTokens,
  }));
}

/** Student first, then along the sweep. */
function sorted<Row extends Pick<IndexedAnswer, "model" | "setting">>(index: AnswerIndex, rows: readonly Row[]): Row[] {
  const rank = ({ model }: Row): number => (model === "student" ? 0 : 1);
  return [...rows].sort((a, b) => rank(a) - rank(b) || compareSettings(a.setting, b.setting, index.naturalBudget));
}

function labelOf(index: AnswerIndex, row: Pick<IndexedAnswer, "model" | "setting">): string {
  return modelAndSetting(row, index.naturalBudget);
}

function usualKey(index: AnswerIndex): string {
  const rows = sorted(index, index.scores);
  const natural = rows.find(
    ({ model, setting }) => model === "student" && settingKind(setting, index.naturalBudget) === "natural",
  );
  const usual = natural ?? rows[0];
  return usual === undefined ? "" : answerKey(usual);
}

function noSuch(what: string): AppError {
  return new AppError("usage", what, { hint: "choose another in the view of thinking" });
}
