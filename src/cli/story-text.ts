/** @file A question's story for people. */
import { sourceOf } from "../curate/candidate.ts";
import { formatUsd } from "../ledger/money.ts";
import type { QuestionStory, ToldTrace } from "../pipeline/question-story.ts";
import { count, counted } from "../report/number-format.ts";
import type { Dropped, Grade } from "../schema/records.ts";
import { printable } from "./printable.ts";

/** Characters of a text that are shown, unless it is wanted whole. */
const SHOWN = 200;

/** What became of a question, stage by stage; texts are the work of others, and cannot steer the terminal. */
export function describeStory(story: QuestionStory, { isFull }: { readonly isFull: boolean }): string {
  const { question, isHeldOut, toldDomain, attempts, failures, traces, dropped } = story;
  const { id, text, answer, family, domain, metadata } = question;
  const shown = (value: string): string => (isFull ? value : excerpt(value));
  const source = sourceOf({ metadata, family });
  const lines = [
    `question ${id}  ${source}, domain ${toldDomain === null ? domain : `${toldDomain} (by the judge)`}${isHeldOut ? ", held out: never trained on" : ""}`,
    ...indented(shown(text)),
    `  reference answer: ${answer === null ? "none" : shown(answer)}`,
    ...attempts.map(
      ({ model, mode, sampleIndex, grade, thinkingTokens }) =>
        `attempt  ${model}, ${mode}, sample ${sampleIndex}: ${graded(grade)}, ${count(thinkingTokens)} thinking tokens`,
    ),
    ...failures.map(
      ({ sampleIndex, reason, detail }) => `no trace  sample ${sampleIndex}: ${reason}, ${excerpt(detail)}`,
    ),
    ...traces.flatMap((trace) => traceLines(trace, shown)),
    ...dropped.map((row) => `dropped  ${why(row)}`),
  ];
  return [...lines, `so  ${ending(story)}`].map(printable).join("\n");
}

/** What there is to tell of questions that were dropped when they were collected. */
export function describeDroppedEarly(dropped: readonly Dropped[]): string {
  return dropped
    .map((row) => printable(`question ${row.id}  dropped when it was collected, by ${why(row)}`))
    .join("\n");
}

function traceLines(
  { trace, grade, thinkingTokens, exampleTokens, dropped, selection }: ToldTrace,
  shown: (text: string) => string,
): string[] {
  const { id, provider, model, sampleIndex, finishReason, provenance, usage, costMicroUsd } = trace;
  const length = thinkingTokens === null ? "" : `, ${count(thinkingTokens)} thinking tokens of the student's`;
  return [
    `trace ${id}  ${provider}/${model}, sample ${sampleIndex}: ended by ${finishReason}, thinking is ${provenance}${length}`,
    `  ${count(usage.promptTokens)} tokens in, ${count(usage.completionTokens)} out, ${formatUsd(costMicroUsd)}`,
    ...indented(shown(trace.thinking)),
    `  answer: ${shown(trace.answer)}`,
    ...(grade === null ? [] : [`  grade: ${graded(grade)}`]),
    ...dropped.map((row) => `  dropped: ${why(row)}`),
    ...(selection === null
      ? []
      : [`  selected: rank ${selection.rank}, ${selection.reason}, domain ${selection.domain}`]),
    ...(exampleTokens === null ? [] : [`  trained on: ${counted(exampleTokens, "token")}, prompt and all`]),
  ];
}

const graded = ({ outcome, rule, extracted }: Grade): string =>
  `${outcome} by ${rule}${extracted === null ? "" : `, found "${excerpt(extracted)}"`}`;

const why = ({ stage, reason, detail }: Dropped): string =>
  `${stage}: ${reason}${detail === "" ? "" : ` (${excerpt(detail)})`}`;

/** The end of the story in one line. */
function ending({ isHeldOut, traces, dropped, failures, stages }: QuestionStory): string {
  const chosen = traces.find(({ selection }) => selection !== null);
  if (chosen?.selection) return `selected at rank ${chosen.selection.rank} with trace ${chosen.trace.id}`;
  if (isHeldOut) return "held out";
  const gone = [...dropped, ...traces.flatMap((trace) => trace.dropped)].at(-1);
  if (gone !== undefined) return `dropped at ${gone.stage}: ${gone.reason}`;
  if (failures.length > 0) return "no trace could be had";
  return `under way: ${stages.at(-1) ?? "nothing"} is the last stage that is done`;
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}... (${count(text.length)} characters)` : line;
}

const indented = (text: string): string[] => text.split("\n").map((line) => `  ${line}`);
