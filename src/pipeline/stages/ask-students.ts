/** @file Reference students behind endpoints: what they solve is too easy, and never costs a trace. */
import { mapAhead } from "../../core/map-ahead.ts";
import { inChunks } from "../../core/in-chunks.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import { type Attempt, type Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import { type AskPorts, askEndpoint } from "./ask-endpoint.ts";
import { judgedGrade, type JudgedReply, openJudge, type RunJudge } from "./ask-judge.ts";
import { canGradeByRule, openReplyGrader, type ReplyGrader } from "./grade-reply.ts";
import { openAsked } from "./open-teacher.ts";
import { isForJudge } from "./verify-answers.ts";

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
  /** Asks each about every question, also those that an earlier one solved: for pass rates. */
  readonly asksAll?: boolean;
  /** Who grades what no rule can, or is not sure of. */
  readonly judge?: Endpoint | undefined;
}

/**
 * Whether students are asked a question: a reply can show that it is easy where a rule grades it, or where there is a judge and
 * a reference for it to hold against the reply.
 */
export function isAttempted(question: Question, hasJudge: boolean): boolean {
  return canGradeByRule(question) || (hasJudge && question.answer !== null);
}

/**
 * Asks the students in their order, each only what those before it did not solve (unless all are wanted), and grades by rule, or
 * by the judge where no rule is sure, as traces are. Outcomes come student by student, by question id.
 *
 * @throws AppError as `traceQuestions`; what was bought stays in the journal.
 */
export async function* attemptByStudents(
  questions: readonly Question[],
  options: StudentsOptions,
): AsyncGenerator<StudentOutcome> {
  const asked = questions.filter((question) => isAttempted(question, options.judge !== undefined));
  const open = new Map(asked.map((question) => [question.id, question]));
  for (const student of options.students) {
    const solved = new Set<string>();
    for await (const outcome of askStudent(student, [...open.values()], options)) {
      yield outcome;
      if (outcome.type === "attempt" && outcome.attempt.grade.outcome === "correct")
        solved.add(outcome.attempt.questionId);
    }
    if (options.asksAll !== true) for (const id of solved) open.delete(id);
  }
}

/** A program takes a second to grade. */
const GRADED_AT_ONCE = 32;
/** Attempts whose texts are in memory while the judge is asked about them. */
const JUDGED_AT_ONCE = 256;

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
  const judge = options.judge === undefined ? undefined : openJudge(options.judge, options);
  try {
    const request = { account: "attempt", questions, samples: { first: 0, count: options.samples } } as const;
    const outcomes = askEndpoint(opened, request, options);
    const byRule = mapAhead(outcomes, GRADED_AT_ONCE, async (outcome): Promise<GradedOutcome> => {
      if (outcome.type === "failure") return { outcome: { type: "failure", student: name, failure: outcome.failure } };
      const question = byId.get(outcome.trace.questionId);
      return await attemptOf(name, outcome.trace, { question, grader });
    });
    for await (const chunk of inChunks(byRule, JUDGED_AT_ONCE)) yield* await judgeChunk(chunk, judge);
  } finally {
    await opened.close();
    await grader.close();
    await judge?.close();
  }
}

/** An outcome as a rule graded it; with what a judge needs where no rule could. */
interface GradedOutcome {
  readonly outcome: StudentOutcome;
  readonly forJudge?: JudgedReply;
}

async function judgeChunk(chunk: readonly GradedOutcome[], judge: RunJudge | undefined): Promise<StudentOutcome[]> {
  const doubtful = judge === undefined ? [] : chunk.flatMap(({ forJudge }) => forJudge ?? []);
  if (judge === undefined || doubtful.length === 0) return chunk.map(({ outcome }) => outcome);
  const verdicts = await judge.ask(doubtful);
  const verdictOf = new Map(doubtful.map((reply, place) => [reply, verdicts[place] ?? null]));
  return chunk.map(({ outcome, forJudge }) => {
    if (forJudge === undefined || outcome.type === "failure") return outcome;
    const { attempt } = outcome;
    const grade = judgedGrade(judge.rule, verdictOf.get(forJudge) ?? null, attempt.grade);
    return { ...outcome, attempt: { ...attempt, grade } };
  });
}

async function attemptOf(
  model: string,
  trace: Trace,
  { question, grader }: { readonly question: Question | undefined; readonly grader: ReplyGrader },
): Promise<GradedOutcome> {
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
  const outcome: StudentOutcome = { type: "attempt", attempt, reply: { usage, costMicroUsd } };
  return isForJudge(question, attempt.grade) ? { outcome, forJudge: { question, reply: answer } } : { outcome };
}
