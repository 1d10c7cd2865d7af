/**
 * @file A pilot: a few of a run's questions, put to its students and teachers before the rest is decided. It is bought into
 * the run's own journal, under the run's cap, so the run does not buy it again.
 */
import { readJsonl } from "../adapters/store/jsonl.ts";
import { prng } from "../core/prng.ts";
import { dropByDifficulty } from "../curate/difficulty.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import { describeEndpoint, endpointName } from "../schema/endpoint.ts";
import type { StageManifest } from "../schema/manifest.ts";
import { type Attempt, Question } from "../schema/records.ts";
import type { SolvedCount } from "./plan-figures.ts";
import { planRun } from "./plan-run.ts";
import { SolvedTally } from "./plan-solved.ts";
import { keepAccounts } from "./run-accounts.ts";
import { journalFolder } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";
import { runPipeline } from "./run-pipeline.ts";
import type { PipelinePorts, RunRequest } from "./run-request.ts";
import { stageFolder } from "./stage-folder.ts";
import { askPortsOf } from "./stages/ask-endpoint.ts";
import { attemptByStudents } from "./stages/ask-students.ts";
import { traceByTeachers } from "./stages/ask-teachers.ts";
import type { TeacherWorld } from "./stages/teacher-world.ts";
import { openVerify } from "./stages/verify-answers.ts";

/** What a pilot is made of. */
export interface PilotOptions {
  /** The run it belongs to. */
  readonly request: RunRequest;
  /** So many of its questions, or all where it has fewer. */
  readonly questions: number;
  readonly world: TeacherWorld;
  /** Told of what stops nothing. */
  readonly warn: (message: string) => void;
}

/** What a pilot found out. */
export interface PilotOutcome {
  readonly questions: number;
  readonly solved: readonly SolvedCount[];
  /** Spent by it now; nothing where an earlier pilot had asked the same. */
  readonly spentMicroUsd: number;
}

/**
 * Collects the run's questions, draws some, and asks students and teachers about them as the run would.
 *
 * @throws AppError what would stop the run's attempts or traces; "budget-exceeded" at the cap; "run-locked", "run-changed".
 */
export async function runPilot(options: PilotOptions, ports: PipelinePorts): Promise<PilotOutcome> {
  const { request } = options;
  await refuseObstacles(request, ports);
  const { manifests } = await runPipeline({ ...request, until: "collect" }, ports);
  const questions = await drawQuestions(options, manifests);
  const lock = await lockRun(ports.fs, ports.processes, request.folder);
  try {
    return await askAbout(questions, options);
  } finally {
    await lock.release();
  }
}

/** The pilot buys what attempts and traces would: what stops them stops it, before it has written anything. */
async function refuseObstacles(request: RunRequest, { fs }: PipelinePorts): Promise<void> {
  const planned = await planRun(request, fs);
  const stopped = planned.find(({ stage, obstacle }) => obstacle !== undefined && BUYERS.includes(stage));
  if (stopped?.obstacle) throw stopped.obstacle;
}

const BUYERS: readonly string[] = ["attempt", "trace", "grade"];

async function drawQuestions(
  { request, questions }: PilotOptions,
  manifests: readonly StageManifest[],
): Promise<Question[]> {
  const collect = manifests.find(({ stage }) => stage === "collect");
  if (collect === undefined) throw new Error("bug in grappa: a run collected nothing and says that it did");
  const all: Question[] = [];
  const path = `${stageFolder(request.folder, "collect", collect.key)}/questions.jsonl`;
  for await (const question of readJsonl(path, Question)) all.push(question);
  return prng(`pilot/${request.recipe.seed}`).shuffle(all).slice(0, questions);
}

async function askAbout(questions: readonly Question[], options: PilotOptions): Promise<PilotOutcome> {
  const { request, warn } = options;
  const capMicroUsd = microUsdFromUsd(request.recipe.maxUsd);
  const journal = journalFolder(request.folder);
  const keeper = keepAccounts({ journalFolder: journal, capMicroUsd, warn });
  try {
    const accounts = await keeper.accounts();
    const before = accounts.ledger.snapshot().spentMicroUsd;
    const { recipe, signal } = request;
    const context = { recipe, signal, journalFolder: journal, accounts: keeper.accounts };
    const asking = await askPortsOf(context, options.world);
    const students = await askStudents(questions, request, asking);
    const { kept } = dropByDifficulty(questions, students.attempts, recipe.difficulty);
    const teachers = await askTeachers(recipe.order === "s1" ? questions : kept, request, asking);
    const spentMicroUsd = accounts.ledger.snapshot().spentMicroUsd - before;
    return { questions: questions.length, solved: [...students.counts, ...teachers], spentMicroUsd };
  } finally {
    await keeper.close();
  }
}

type Asking = Parameters<typeof openVerify>[1];

async function askStudents(questions: readonly Question[], { recipe }: RunRequest, asking: Asking) {
  const tally = new SolvedTally("attempt");
  const attempts: Attempt[] = [];
  const { students, samples } = recipe.attempt;
  const asksAll = recipe.difficulty.keep === "pass-rate";
  const names = new Map(students.map((one) => [describeEndpoint(one), one]));
  const { judge } = recipe;
  for await (const outcome of attemptByStudents(questions, { ...asking, students, samples, asksAll, judge })) {
    const name = outcome.type === "attempt" ? outcome.attempt.model : outcome.student;
    const { questionId } = outcome.type === "attempt" ? outcome.attempt : outcome.failure;
    const isRight = outcome.type === "attempt" && outcome.attempt.grade.outcome === "correct";
    const student = names.get(name);
    if (student !== undefined)
      tally.add({ provider: endpointName(student), model: student.model }, questionId, isRight);
    if (outcome.type === "attempt") attempts.push({ ...outcome.attempt, text: "" });
  }
  return { counts: tally.counts(), attempts };
}

async function askTeachers(questions: readonly Question[], { recipe }: RunRequest, asking: Asking) {
  const tally = new SolvedTally("trace");
  const byId = new Map(questions.map((question) => [question.id, question]));
  const verifying = openVerify(recipe, asking);
  try {
    for await (const outcome of traceByTeachers(questions, { ...asking, recipe, verify: verifying.verify })) {
      if (outcome.type === "failure") {
        const slash = outcome.teacher.indexOf("/");
        const who = { provider: outcome.teacher.slice(0, slash), model: outcome.teacher.slice(slash + 1) };
        tally.add(who, outcome.failure.questionId, false);
        continue;
      }
      const { provider, model, questionId, answer } = outcome.trace;
      const question = byId.get(questionId);
      // What the run would leave to its grade stage is graded here; a judge's verdict is in the journal then, too.
      const found = outcome.outcome ?? (question && (await verifying.verify(question, answer)));
      tally.add({ provider, model }, questionId, found === "correct");
    }
    return tally.counts();
  } finally {
    await verifying.close();
  }
}
