/** @file Teachers in their order: the first is asked everything, each dearer one what those before it failed at. */
import type { TraceOutcome } from "../../adapters/teacher/trace-questions.ts";
import { mapAhead } from "../../core/map-ahead.ts";
import type { ChatMessage } from "../../ledger/request-key.ts";
import { describeEndpoint, type ReasoningKind } from "../../schema/endpoint.ts";
import { isAsked, type Recipe } from "../../schema/recipe.ts";
import type { GradeOutcome, Question, Trace, TraceFailure } from "../../schema/records.ts";
import { type AskPorts, type AskRequest, askEndpoint } from "./ask-endpoint.ts";
import { type OpenTeacher, openTeacher, type TeacherRecipe } from "./open-teacher.ts";

/** Tells whether an answer is right: by rule, or by a judge where no rule can. */
export type Verify = (question: Question, answer: string) => Promise<GradeOutcome>;

/** Who is asked, and how. */
export interface TeachersOptions extends AskPorts {
  readonly recipe: Pick<Recipe, "seed" | "trace">;
  readonly verify: Verify;
}

/** A trace, or why there is none, and from whom. */
export type TeacherOutcome = TraceOutcome & {
  /** `name/model`. */
  readonly teacher: string;
  /** Of a trace whose question may go to another teacher, or be sampled again; null where nothing depends on it. */
  readonly outcome: GradeOutcome | null;
};

/**
 * Asks the teachers. A question goes on to the next where no whole trace came back, or where all of them were found wrong;
 * one that cannot be checked is never taken for wrong. Outcomes come teacher by teacher, by question id and sample.
 *
 * @throws AppError as `traceQuestions`; what was bought stays in the journal.
 */
export async function* traceByTeachers(
  questions: readonly Question[],
  options: TeachersOptions,
): AsyncGenerator<TeacherOutcome> {
  const { teacher, escalate } = options.recipe.trace;
  let open = questions;
  for (const [place, one] of [teacher, ...escalate].entries()) {
    if (open.length === 0) return;
    const settled = new Set<string>();
    const isLast = place === escalate.length;
    for await (const outcome of askTeacher(one, open, { ...options, isLast })) {
      if (outcome.type === "trace" && isSettled(outcome)) settled.add(outcome.trace.questionId);
      yield outcome;
    }
    open = open.filter(({ id }) => !settled.has(id));
  }
}

const WRONG: readonly GradeOutcome[] = ["incorrect", "no_answer", "answer_parse_error", "answer_limit", "timeout"];

/** A judge takes seconds to verify one. */
const VERIFIED_AT_ONCE = 32;

/** A whole trace that was not found wrong. */
function isSettled({ trace, outcome }: Extract<TeacherOutcome, { type: "trace" }>): boolean {
  return trace.finishReason === "stop" && (outcome === null || !WRONG.includes(outcome));
}

type Asking = TeachersOptions & { readonly isLast: boolean };

async function* askTeacher(
  teacher: TeacherRecipe,
  questions: readonly Question[],
  options: Asking,
): AsyncGenerator<TeacherOutcome> {
  const { recipe, world } = options;
  const { samplesPerQuestion, stopWhenVerified } = recipe.trace;
  const opened = await openTeacher(teacher, recipe, world);
  try {
    if (!stopWhenVerified) {
      yield* askSamples(questions, { first: 0, count: samplesPerQuestion }, { ...options, teacher, opened });
      return;
    }
    let open = questions;
    for (let first = 0; first < samplesPerQuestion && open.length > 0; first++) {
      const verified = new Set<string>();
      for await (const outcome of askSamples(open, { first, count: 1 }, { ...options, teacher, opened })) {
        if (outcome.type === "trace" && outcome.outcome === "correct") verified.add(outcome.trace.questionId);
        yield outcome;
      }
      open = open.filter(({ id }) => !verified.has(id));
    }
  } finally {
    await opened.close();
  }
}

type Sampling = Asking & { readonly teacher: TeacherRecipe; readonly opened: OpenTeacher };

async function* askSamples(
  questions: readonly Question[],
  samples: AskRequest["samples"],
  { teacher, opened, recipe, verify, isLast, ...ports }: Sampling,
): AsyncGenerator<TeacherOutcome> {
  const byId = new Map(questions.map((question) => [question.id, question]));
  const { system, stopWhenVerified, allowSummaries } = recipe.trace;
  const name = `${opened.teacher.provider}/${opened.teacher.model}`;
  const request = {
    account: "trace",
    questions,
    samples,
    ...renderWith(system),
    ...salvageOf(teacher, recipe),
  } as const;
  const mustVerify = stopWhenVerified || !isLast;
  yield* mapAhead(askEndpoint(opened, request, ports), VERIFIED_AT_ONCE, async (found): Promise<TeacherOutcome> => {
    if (found.type === "failure") return { ...found, teacher: name, outcome: null };
    const { trace } = found;
    const failure = faultOf(trace, teacher, allowSummaries);
    if (failure !== undefined) return { type: "failure", failure, teacher: name, outcome: null };
    const question = byId.get(trace.questionId);
    if (question === undefined) throw new Error(`bug in grappa: ${trace.questionId} was answered and never asked`);
    return { type: "trace", trace, teacher: name, outcome: mustVerify ? await verify(question, trace.answer) : null };
  });
}

/** The built-in teacher's cut replies are traces as they are: the selection drops them, as it always did. */
function salvageOf({ type }: TeacherRecipe, { trace }: Pick<Recipe, "trace">): Pick<AskRequest, "salvage"> {
  return type === "builtin" ? {} : { salvage: trace.salvage };
}

/** The chat that puts a question; without a system prompt the question stands alone, as it always did. */
export function renderWith(system: string | undefined): { render?: (question: Question) => readonly ChatMessage[] } {
  if (system === undefined) return {};
  return {
    render: ({ text }) => [
      { role: "system", content: system },
      { role: "user", content: text },
    ],
  };
}

/** What an endpoint's reasoning is said to be. */
export function reasoningOf(teacher: TeacherRecipe): ReasoningKind {
  switch (teacher.type) {
    case "builtin":
      return "raw";
    case "recorded":
      return teacher.reasoning;
    case "openai-compatible":
      return teacher.reasoning;
    case "gemini":
    case "anthropic":
      return "summary";
    case "openai":
      return "hidden";
    default:
      return teacher satisfies never;
  }
}

/** Why a whole reply is no trace to learn from: it came without thinking, or with another kind than was declared. */
function faultOf(trace: Trace, teacher: TeacherRecipe, allowSummaries: boolean): TraceFailure | undefined {
  if (!isAsked(teacher) || trace.finishReason !== "stop") return undefined;
  const { schemaVersion, questionId, sampleIndex, provenance } = trace;
  const fault = (reason: string, detail: string): TraceFailure => ({
    schemaVersion,
    questionId,
    sampleIndex,
    reason,
    detail: `${describeEndpoint(teacher)}: ${detail}`,
  });
  if (provenance === "hidden" || trace.thinking.trim() === "")
    return fault("no-thinking", "an answer without thinking");
  if (provenance !== "raw" && !allowSummaries)
    return fault("not-raw", `its thinking is ${provenance}, the recipe expects ${reasoningOf(teacher)}`);
  return undefined;
}
