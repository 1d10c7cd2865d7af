import { AppError } from "../../core/errors.ts";
import { mapAhead } from "../../core/map-ahead.ts";
import { prng } from "../../core/prng.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { judgeAgreement, type VerdictPair } from "../../grade/judge-agreement.ts";
import type { StageName, StageNotes } from "../../schema/manifest.ts";
import {
  type Grade,
  type GradedTrace,
  type GradeOutcome,
  Question,
  SCHEMA_VERSION,
  Trace,
} from "../../schema/records.ts";
import type { Stage, StageContext, StageInput, StageSummary } from "../stage.ts";
import { askPortsOf } from "./ask-endpoint.ts";
import { judgedGrade, type JudgedReply, openJudge, type RunJudge } from "./ask-judge.ts";
import { checkAsked } from "./gates.ts";
import { checkSandbox, openReplyGrader } from "./grade-reply.ts";
import { writeQuestionDomains } from "./question-domains.ts";
import type { TeacherWorld } from "./teacher-world.ts";
import { writeTraceLengths } from "./trace-lengths.ts";
import { askedFrom } from "./trace.ts";
import { isForJudge, judgeIdentity } from "./verify-answers.ts";

/**
 * Checks every trace's answer by rule, and by the recipe's judge where no rule can tell. It drops nothing: what a grade means is
 * the selection's to say. Outputs `grades.jsonl`, and `lengths.jsonl`: how long each trace is to the student;
 * `domains.jsonl` where the judge tells the questions' subjects.
 */
export function gradeStage(world: TeacherWorld): Stage {
  return {
    name: "grade",
    inputs: ({ order, domain }) => [
      ...new Set<StageName>([askedFrom(order), "trace", ...(domain === "judge" ? ["attempt" as const] : [])]),
    ],
    facts: ({ student }) => (student.hosted ? [] : ["tokenizer"]),
    codeVersion: 2,
    // Without a judge nothing is said of it, so that runs of before keep their keys.
    config: ({ judge, seed, trace, student, domain, select }) => ({
      ...(judge === undefined ? {} : { judge: judgeIdentity(judge), seed, maxRetries: trace.maxRetries }),
      ...(student.hosted ? { lengths: "as the teacher counted" } : {}),
      ...(domain === "judge" ? { domain, requireCorrect: select.requireCorrect } : {}),
    }),
    plan: ({ judge }) =>
      `every trace, by its family's verifier or its reference answer${judge === undefined ? "" : `; by ${judge.model} where no rule can tell`}`,
    check: async (recipe) => {
      if (recipe.domain === "judge" && recipe.judge === undefined)
        throw new AppError("recipe-invalid", 'domain is "judge", and the recipe has no judge', {
          hint: 'name a model under judge, or set domain to "declared"',
        });
      await checkSandbox(recipe);
      if (recipe.judge !== undefined) checkAsked([{ endpoint: recipe.judge, called: "the judge" }], recipe, world);
    },
    run: (context) => grade(context, world),
  };
}

/** Replies on which rule and judge are compared at most; and the least on which the judge's agreement says something. */
const SAMPLED = 100;
/** An agreement whose interval reaches below this is told of. */
const POOR_AGREEMENT = 0.9;
/** Traces that are looked at together: their texts are in memory while the judge is asked. */
const CHUNK = 256;

async function grade(context: StageContext, world: TeacherWorld): Promise<StageSummary> {
  const { recipe, input, output, progress } = context;
  const rows = await input(askedFrom(recipe.order)).readRows("questions.jsonl", Question);
  const questions = new Map(rows.map((question) => [question.id, question]));
  const judge = await judgeOf(context, world);
  try {
    const byRule = await gradeByRule(context, questions);
    const grades = judge === undefined ? byRule : await askJudge(byRule, { context, questions, judge });
    progress({ done: grades.length, total: grades.length, unit: "traces" });
    const agreement = judge === undefined ? {} : await measureJudge(byRule, { context, questions, judge });
    await output.writeRows("grades.jsonl", grades);
    await writeTraceLengths(context);
    const domains = await sortQuestions(context, world, grades);
    return {
      funnel: [buildFunnel("grade", grades.length, { kept: grades, dropped: [] })],
      notes: { ...countOutcomes(grades), ...agreement, ...domains },
    };
  } finally {
    await judge?.close();
  }
}

async function sortQuestions(
  context: StageContext,
  world: TeacherWorld,
  grades: readonly GradedTrace[],
): Promise<StageNotes> {
  const { judge, domain } = context.recipe;
  if (domain !== "judge" || judge === undefined) return {};
  return await writeQuestionDomains(context, grades, { judge, ports: await askPortsOf(context, world) });
}

async function judgeOf(context: StageContext, world: TeacherWorld): Promise<RunJudge | undefined> {
  const { judge } = context.recipe;
  return judge === undefined ? undefined : openJudge(judge, await askPortsOf(context, world));
}

/** Programs wait for a place in the sandbox; the traces around them are read meanwhile. */
const GRADED_AT_ONCE = 32;

async function gradeByRule(
  { input, signal }: Pick<StageContext, "input" | "signal">,
  questions: ReadonlyMap<string, Question>,
): Promise<GradedTrace[]> {
  const grader = openReplyGrader(signal);
  const traces = input("trace").streamRows("traces.jsonl", Trace);
  const gradeTrace = async ({ id, questionId, answer }: Trace): Promise<GradedTrace | undefined> => {
    const question = questions.get(questionId);
    if (question === undefined) return undefined;
    return { schemaVersion: SCHEMA_VERSION, traceId: id, questionId, grade: await grader.grade(question, answer) };
  };
  const grades: GradedTrace[] = [];
  try {
    for await (const graded of mapAhead(traces, GRADED_AT_ONCE, gradeTrace))
      if (graded !== undefined) grades.push(graded);
  } finally {
    await grader.close();
  }
  return grades;
}

interface Judging {
  readonly context: StageContext;
  readonly questions: ReadonlyMap<string, Question>;
  readonly judge: RunJudge;
}

/** The grades with the judge's in the place of those that a rule could not give for sure. */
async function askJudge(byRule: readonly GradedTrace[], judging: Judging): Promise<GradedTrace[]> {
  const { context, questions, judge } = judging;
  const doubtful = byRule.filter(({ questionId, grade }) => isForJudge(questions.get(questionId) as Question, grade));
  const judged = new Map<string, Grade>();
  let done = 0;
  await judgeTraces(doubtful, judging, (graded, verdict) => {
    judged.set(graded.traceId, judgedGrade(judge.rule, verdict, graded.grade));
    done += 1;
    context.progress({ done, total: doubtful.length, unit: "verdicts" });
  });
  return byRule.map((graded) => ({ ...graded, grade: judged.get(graded.traceId) ?? graded.grade }));
}

/** Puts traces to the judge, a chunk at a time: texts are read from the disk as they are needed. */
async function judgeTraces(
  wanted: readonly GradedTrace[],
  { context, questions, judge }: Judging,
  take: (graded: GradedTrace, verdict: "correct" | "incorrect" | null) => void,
): Promise<void> {
  const byId = new Map(wanted.map((graded) => [graded.traceId, graded]));
  const flush = async (chunk: readonly (JudgedReply & { readonly graded: GradedTrace })[]): Promise<void> => {
    const verdicts = await judge.ask(chunk);
    chunk.forEach(({ graded }, place) => take(graded, verdicts[place] ?? null));
  };
  let chunk: (JudgedReply & { readonly graded: GradedTrace })[] = [];
  for await (const { id, answer } of tracesOf(context.input("trace"))) {
    const graded = byId.get(id);
    const question = graded && questions.get(graded.questionId);
    if (graded === undefined || question === undefined) continue;
    chunk.push({ graded, question, reply: answer });
    if (chunk.length < CHUNK) continue;
    await flush(chunk);
    chunk = [];
  }
  await flush(chunk);
}

const tracesOf = (input: StageInput): AsyncIterable<Trace> => input.streamRows("traces.jsonl", Trace);

/** Agreement of the judge with the rules, on a seeded sample of traces about which a rule is sure. */
async function measureJudge(byRule: readonly GradedTrace[], judging: Judging): Promise<StageNotes> {
  const { context } = judging;
  const isSure = ({ grade }: GradedTrace): boolean => grade.outcome === "correct" || grade.outcome === "incorrect";
  const sample = prng(`${context.recipe.seed}/judge-agreement`).shuffle(byRule.filter(isSure)).slice(0, SAMPLED);
  const pairs: VerdictPair[] = [];
  await judgeTraces(sample, judging, ({ grade }, verdict) => {
    pairs.push({ rule: grade.outcome === "correct" ? "correct" : "incorrect", judge: verdict });
  });
  const found = judgeAgreement(pairs);
  const { n, agreement, interval, kappa } = found;
  if (n > 0 && interval !== null && interval[0] < POOR_AGREEMENT)
    context.warn(
      `the judge agrees with the rules on ${Math.round((agreement ?? 0) * n)} of ${n} replies (95 %: ${percent(interval[0])} to ${percent(interval[1])}): its other verdicts may be no better`,
    );
  return {
    judgeN: n,
    judgeSilent: found.silent,
    judgeAgreement: agreement,
    judgeAgreementLow: interval?.[0] ?? null,
    judgeAgreementHigh: interval?.[1] ?? null,
    judgeKappa: kappa,
    judgeBothCorrect: found.bothCorrect,
    judgeBothIncorrect: found.bothIncorrect,
    judgeOnlyJudgeCorrect: found.onlyJudge,
    judgeOnlyRuleCorrect: found.onlyRule,
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function countOutcomes(grades: readonly GradedTrace[]): Partial<Record<GradeOutcome, number>> {
  const counts: Partial<Record<GradeOutcome, number>> = {};
  for (const {
    grade: { outcome },
  } of grades)
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
