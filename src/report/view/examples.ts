/** @file Replies and training examples to read: capped, with forced text and loss mask marked. */
import { compareSettings } from "../../evaluate/settings.ts";
import { count } from "../number-format.ts";
import { cappedText, oneLine, TEXT_CAPS } from "../plain-text.ts";
import type { ExampleRun, ReplyRun, RunResults, ShownQuestion, ShownReply } from "../run-results.ts";
import { modelAndSetting } from "../settings.ts";

/** A stretch of text; `isMarked` means forced (replies) or trained on (examples). */
export interface MarkedText {
  readonly text: string;
  readonly isMarked: boolean;
}

/** One reply, ready to show. */
export interface ReplyView {
  readonly model: "base" | "student";
  /** Model and setting in words. */
  readonly title: string;
  readonly isRight: boolean;
  /** `right: 690`, `wrong: 680, not 690`, `no answer found`. */
  readonly outcome: string;
  readonly facts: string;
  readonly thinking: readonly MarkedText[];
  readonly answer: readonly MarkedText[];
}

/** One question with its replies, base first, then along the sweep. */
export interface ExampleView {
  readonly title: string;
  readonly question: string;
  readonly replies: readonly ReplyView[];
}

/** One training example with its loss mask. */
export interface TraceView {
  readonly title: string;
  readonly facts: string;
  readonly runs: readonly MarkedText[];
}

const MOST_EXAMPLES = 8;
const MOST_REPLIES = 8;
const MOST_TRACES = 3;

/** The stretches up to `cap` characters together; the one that crosses the cap says how much is left out. */
function cappedRuns(runs: readonly MarkedText[], cap: number): readonly MarkedText[] {
  const shown: MarkedText[] = [];
  let left = cap;
  for (const { text, isMarked } of runs) {
    if (left <= 0) break;
    shown.push({ text: cappedText(text, left), isMarked });
    left -= text.length;
  }
  return shown;
}

/** A cut's delimiter begins with a newline of its own; an answer shown in a box needs none. */
function withoutLeadingLines(runs: readonly MarkedText[]): readonly MarkedText[] {
  return runs.map((run, index) => (index === 0 ? { ...run, text: run.text.replace(/^\n+/, "") } : run));
}

const forcedRuns = (runs: readonly ReplyRun[]) => runs.map(({ text, isForced }) => ({ text, isMarked: isForced }));
const trainedRuns = (runs: readonly ExampleRun[]) => runs.map(({ text, isTrained }) => ({ text, isMarked: isTrained }));

function outcomeOf({ grade }: ShownReply["completion"], gold: string | null): string {
  const found = grade.extracted === null ? null : oneLine(grade.extracted, 40);
  if (grade.outcome === "correct") return `right: ${found ?? "–"}`;
  if (grade.outcome !== "incorrect") return oneLine(grade.outcome).replaceAll("_", " ");
  return `wrong: ${found ?? "–"}${gold === null ? "" : `, not ${oneLine(gold, 40)}`}`;
}

function replyView(shown: ShownReply, gold: string | null, naturalBudgetTokens: number): ReplyView {
  const { completion } = shown;
  const end = { natural: "ended by itself", cut: "cut", direct: "no thinking" }[completion.end];
  return {
    model: completion.model,
    title: modelAndSetting(completion, naturalBudgetTokens),
    isRight: completion.grade.outcome === "correct",
    outcome: outcomeOf(completion, gold),
    facts: completion.end === "direct" ? end : `${count(completion.thinkingTokens)} thinking tokens, ${end}`,
    thinking: cappedRuns(forcedRuns(shown.thinking), TEXT_CAPS.reply),
    answer: cappedRuns(withoutLeadingLines(forcedRuns(shown.answer)), TEXT_CAPS.label * 4),
  };
}

function exampleView({ question, replies }: ShownQuestion, naturalBudgetTokens: number): ExampleView {
  const ordered = [...replies].sort((a, b) => {
    const [first, second] = [a.completion, b.completion];
    if (first.model !== second.model) return first.model === "base" ? -1 : 1;
    return compareSettings(first.setting, second.setting, naturalBudgetTokens);
  });
  return {
    title: `${oneLine(question.domain)}, right answer ${question.answer === null ? "checked by a program" : oneLine(question.answer, 40)}`,
    question: cappedText(question.text, TEXT_CAPS.question),
    replies: ordered.slice(0, MOST_REPLIES).map((reply) => replyView(reply, question.answer, naturalBudgetTokens)),
  };
}

/** Held-out questions with their replies, at most eight questions of eight replies. */
export function examplesOf(results: RunResults): readonly ExampleView[] {
  return results.examples.slice(0, MOST_EXAMPLES).map((example) => exampleView(example, results.naturalBudgetTokens));
}

/** Training examples, at most three, with the trained stretches marked. */
export function tracesOf(results: RunResults): readonly TraceView[] {
  return results.traces.slice(0, MOST_TRACES).map((trace) => {
    const tokens = (isTrained: boolean) =>
      trace.runs.reduce((sum, run) => sum + (run.isTrained === isTrained ? run.tokens : 0), 0);
    return {
      title: oneLine(trace.domain),
      facts: `${count(trace.thinkingTokens)} thinking tokens; ${count(tokens(true))} tokens trained on, ${count(tokens(false))} only read`,
      runs: cappedRuns(trainedRuns(trace.runs), TEXT_CAPS.reply),
    };
  });
}
