/** @file The answers of an evaluation, to be listed and opened: what was asked, expected, given, and thought. */
import { settingKey } from "../../evaluate/settings.ts";
import type { Completion, Interval, Question } from "../../schema/records.ts";
import { answerWithForced, markForced } from "../forced-text.ts";
import type { ReplyRun } from "../run-results.ts";

/** One model at one setting. */
export interface SettingTally {
  /** Names model and setting: `student/think/1024/0`. */
  readonly key: string;
  readonly label: string;
  readonly n: number;
  readonly accuracy: number | null;
  readonly interval: Interval | null;
  readonly thinkingTokens: number;
}

/** What a list shows of an answer; texts are cut. */
export interface AnswerRow {
  readonly questionId: string;
  readonly sampleIndex: number;
  readonly question: string;
  /** Null where a program checks it. */
  readonly expected: string | null;
  /** What was found in the reply; null where nothing was. */
  readonly given: string | null;
  readonly outcome: Completion["grade"]["outcome"];
  readonly thinkingTokens: number;
  readonly end: Completion["end"];
}

/** The answers of one model at one setting, in the order in which the questions were asked. */
export interface AnswerList {
  readonly run: string;
  readonly settings: readonly SettingTally[];
  /** Key of those that are listed. */
  readonly key: string;
  readonly rows: readonly AnswerRow[];
  /** Answers that are not listed, because there are too many. */
  readonly left: number;
}

/** A text with the forced parts marked, as far as it is sent. */
export interface MarkedReply {
  readonly runs: readonly ReplyRun[];
  /** Characters that are left out at its end. */
  readonly left: number;
}

/** One answer, whole. */
export interface AnswerView extends AnswerRow {
  readonly run: string;
  readonly key: string;
  readonly label: string;
  readonly domain: string;
  readonly answerTokens: number;
  readonly answerFinish: Completion["answerFinish"];
  readonly thinking: MarkedReply;
  readonly answer: MarkedReply;
  /** The same question at every setting, this one among them. */
  readonly others: readonly { readonly key: string; readonly label: string; readonly outcome: AnswerRow["outcome"] }[];
}

const LIST_TEXT = 160;
const SHORT_TEXT = 80;
/** Thirty thousand tokens of thinking and more. */
const MOST_CHARACTERS = 200_000;

/** Names model and setting of an answer. */
export function answerKey({ model, setting }: Pick<Completion, "model" | "setting">): string {
  return `${model}/${settingKey(setting)}`;
}

/** What a list shows of it. @param question undefined where the run keeps none */
export function answerRow(
  completion: Omit<Completion, "thinking" | "answer">,
  question: Question | undefined,
): AnswerRow {
  const { questionId, sampleIndex, grade, thinkingTokens, end } = completion;
  return {
    questionId,
    sampleIndex,
    question: cut(question?.text ?? questionId, LIST_TEXT),
    expected: question === undefined || question.answer === null ? null : cut(question.answer, SHORT_TEXT),
    given: grade.extracted === null ? null : cut(grade.extracted, SHORT_TEXT),
    outcome: grade.outcome,
    thinkingTokens,
    end,
  };
}

/**
 * The answer, whole.
 * @param fewer answers to the same question, drawn alike, with fewer waits, fewest first: they tell where a wait was forced
 */
export function answerView(
  completion: Completion,
  question: Question | undefined,
  { fewer, ...rest }: Pick<AnswerView, "run" | "label" | "others"> & { readonly fewer: readonly Completion[] },
): AnswerView {
  const prefixes = fewer.map(({ thinking }) => thinking);
  return {
    ...answerRow(completion, question),
    ...rest,
    question: cut(question?.text ?? completion.questionId, MOST_CHARACTERS),
    key: answerKey(completion),
    domain: question?.domain ?? "",
    answerTokens: completion.answerTokens,
    answerFinish: completion.answerFinish,
    thinking: upTo(markForced(completion.thinking, prefixes), MOST_CHARACTERS),
    answer: upTo(answerWithForced(completion), MOST_CHARACTERS),
  };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function upTo(runs: readonly ReplyRun[], most: number): MarkedReply {
  const shown: ReplyRun[] = [];
  let [room, left] = [most, 0];
  for (const { text, isForced } of runs) {
    const part = text.slice(0, room);
    if (part !== "") shown.push({ text: part, isForced });
    room -= part.length;
    left += text.length - part.length;
  }
  return { runs: shown, left };
}
