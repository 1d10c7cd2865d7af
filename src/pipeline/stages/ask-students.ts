/** @file Reference students behind endpoints: what they solve is too easy, and never costs a trace. */
import { mapAhead } from "../../core/map-ahead.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import { type Attempt, type Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import { type AskPorts, askEndpoint } from "./ask-endpoint.ts";
import { canGradeByRule, openReplyGrader, type ReplyGrader } from "./grade-reply.ts";
import { openAsked } from "./open-teacher.ts";

/** One try of a reference student at one question, or why there is none. */
export type StudentOutcome =
  | { readonly type: "attempt"; readonly attempt: Attempt; readonly reply: Pick<Trace, "usage" | "costMicroUsd"> }
  | { readonly type: "failure"; readonly student: string; readonly failure: TraceFailure };

/** Who is asked, and how. */
export interface StudentsOptions extends AskPorts {
  /** Cheapest first. */
  readonly students: readonly Endpoint[];
  /** Tries of each at one question. */
  readonly samples: number;
}

/**
 * Asks the students in their order, each only what those before it did not solve, and grades by rule. A question that no
 * rule can grade is not asked: no reply could show that it is easy. Outcomes come student by student, by question id.
 *
 * @throws AppError as `traceQuestions`; what was bought stays in the journal.
 */
export async function* attemptByStudents(
  questions: readonly Question[],
  options: StudentsOptions,
): AsyncGenerator<StudentOutcome> {
  const open = new Map(questions.filter(canGradeByRule).map((question) => [question.id, question]));
  for (const student of options.students) {
    const solved = new Set<string>();
    for await (const outcome of askStudent(student, [...open.values()], options)) {
      yield outcome;
      if (outcome.type === "attempt" && outcome.attempt.grade.outcome === "correct")
        solved.add(outcome.attempt.questionId);
    }
    for (const id of solved) open.delete(id);
  }
}

/** A program takes a second to grade. */
const GRADED_AT_ONCE = 32;

async function* askStudent(
  student: Endpoint,
  questions: readonly Question[],
  options: StudentsOptions,
): AsyncGenerator<StudentOutcome> {
  if (questions.length === 0) return;
  const byId = new Map(questions.map((question) => [question.id, question]));
  const name = describeEndpoint(student);
  const opened = openAsked(student, options.world, `the reference student ${name}`);
  const grader = openReplyGrader(options.signal);
  try {
    const request = { account: "attempt", questions, samples: { first: 0, count: options.samples } } as const;
    yield* mapAhead(askEndpoint(opened, request, options), GRADED_AT_ONCE, async (outcome): Promise<StudentOutcome> => {
      if (outcome.type === "failure") return { type: "failure", student: name, failure: outcome.failure };
      return await attemptOf(name, outcome.trace, { question: byId.get(outcome.trace.questionId), grader });
    });
  } finally {
    await opened.close();
    await grader.close();
  }
}

async function attemptOf(
  model: string,
  trace: Trace,
  { question, grader }: { readonly question: Question | undefined; readonly grader: ReplyGrader },
): Promise<StudentOutcome> {
  if (question === undefined) throw new Error(`bug in grappa: ${trace.questionId} was answered and never asked`);
  const { questionId, sampleIndex, thinking, answer, usage, costMicroUsd } = trace;
  const attempt: Attempt = {
    schemaVersion: SCHEMA_VERSION,
    questionId,
    model,
    mode: "think",
    sampleIndex,
    text: thinking === "" ? answer : `${thinking}\n${answer}`,
    thinkingTokens: usage.reasoningTokens,
    grade: await grader.grade(question, answer),
  };
  return { type: "attempt", attempt, reply: { usage, costMicroUsd } };
}
