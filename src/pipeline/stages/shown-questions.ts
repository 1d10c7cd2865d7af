/** @file Which held-out questions the report shows, and which parts of their replies the thinking-budget machine wrote. */
import { isCorrect } from "../../evaluate/score.ts";
import { type SettingKind, settingKind } from "../../evaluate/settings.ts";
import { answerWithForced, markForced } from "../../report/forced-text.ts";
import type { ShownQuestion, ShownReply } from "../../report/run-results.ts";
import type { Completion, Question } from "../../schema/records.ts";

const MOST_QUESTIONS = 6;

/** The replies to one question that say something about it. */
interface Replies {
  readonly question: Question;
  readonly base: readonly Completion[];
  readonly cap: Completion | undefined;
  readonly natural: Completion | undefined;
  /** Fewest first. */
  readonly waits: readonly Completion[];
}

/** What a question is shown for; of each kind so many, in the order of the list. */
const KINDS: readonly { readonly most: number; readonly fits: (replies: Replies) => boolean }[] = [
  { most: 2, fits: ({ natural, waits }) => isWrong(natural) && isRight(waits[0]) },
  { most: 2, fits: ({ cap, natural }) => isWrong(cap) && isRight(natural) },
  { most: 1, fits: ({ natural, waits }) => isRight(natural) && isWrong(waits[0]) },
  { most: 1, fits: ({ natural, waits }) => isWrong(natural) && waits.every(isWrong) },
  { most: MOST_QUESTIONS, fits: () => true },
];

function isRight(completion: Completion | undefined): boolean {
  return completion !== undefined && isCorrect(completion);
}

function isWrong(completion: Completion | undefined): boolean {
  return completion !== undefined && !isCorrect(completion);
}

/**
 * A few questions that show what thinking longer does, failures among them. By fixed rules over the questions in order of
 * id, so nobody picked the pretty ones.
 */
export function chooseShownQuestions(
  questions: readonly Question[],
  completions: readonly Completion[],
  contextTokens: number,
): ShownQuestion[] {
  const byQuestion = groupByQuestion(completions);
  const all = [...questions]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((question) => repliesTo(question, byQuestion.get(question.id) ?? [], contextTokens));
  const chosen = new Set<Replies>();
  for (const { most, fits } of KINDS) {
    const fitting = all.filter((replies) => !chosen.has(replies) && fits(replies)).slice(0, most);
    for (const replies of fitting) if (chosen.size < MOST_QUESTIONS) chosen.add(replies);
  }
  return [...chosen].map(showReplies);
}

function groupByQuestion(completions: readonly Completion[]): Map<string, Completion[]> {
  const groups = new Map<string, Completion[]>();
  for (const completion of completions) {
    const group = groups.get(completion.questionId);
    if (group) group.push(completion);
    else groups.set(completion.questionId, [completion]);
  }
  return groups;
}

function repliesTo(question: Question, completions: readonly Completion[], contextTokens: number): Replies {
  const student = (kind: SettingKind): Completion[] =>
    completions
      .filter(({ model, setting }) => model === "student" && settingKind(setting, contextTokens) === kind)
      .sort((a, b) => a.setting.budgetTokens - b.setting.budgetTokens || a.setting.waits - b.setting.waits);
  return {
    question,
    base: completions.filter(({ model }) => model === "base"),
    cap: student("cap")[0],
    natural: student("natural")[0],
    waits: student("wait"),
  };
}

function showReplies({ question, base, cap, natural, waits }: Replies): ShownQuestion {
  const shown = [...base, cap, natural].flatMap((completion) => (completion ? [showReply(completion, [])] : []));
  const prefixes = natural ? [natural.thinking] : [];
  const withWaits = waits.map((completion) => {
    const reply = showReply(completion, prefixes.slice(0, completion.setting.waits));
    prefixes.push(completion.thinking);
    return reply;
  });
  return { question, replies: [...shown, ...withWaits] };
}

/** A reply with the machine's own text marked. */
function showReply(completion: Completion, prefixes: readonly string[]): ShownReply {
  return { completion, thinking: markForced(completion.thinking, prefixes), answer: answerWithForced(completion) };
}
