/**
 * @file A run counted through in one possible world. Where it had to be simple it is dear: a question's samples are all right
 * or all wrong (so they stop later and are passed on more often), each call is rounded up, a long prompt's price holds for
 * all. Pure.
 */
import { drawCount, drawSum } from "./forecast-draws.ts";
import {
  type Bought,
  type ForecastFacts,
  type JobSoFar,
  type JobTake,
  NOTHING_BOUGHT,
  type PlannedTraining,
} from "./forecast-facts.ts";
import type { DrawnModel, World } from "./forecast-world.ts";

const MICRO = 1_000_000;
const SECONDS_A_MINUTE = 60;

/** Stages that can cost money, as the ledger's accounts are named. */
export type ForecastStage = "attempt" | "trace" | "judge" | "train" | "evaluate";

/** A row in one world. */
export interface CountedRow {
  readonly stage: ForecastStage;
  readonly name: string;
  readonly bought: Bought;
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly microUsd: number;
  readonly seconds: number | null;
}

/** A run in one world. */
export interface CountedRun {
  readonly rows: readonly CountedRow[];
  readonly verified: number;
  readonly microUsd: number;
}

/** Counts a run of so many questions through in one world. */
export function countRun(facts: ForecastFacts, world: World, questions: number): CountedRun {
  const attempts = countAttempts(facts, world, questions);
  const traces = countTraces(facts, world, attempts.left);
  const rows = [...attempts.rows, ...traces.rows];
  const sorted = countSorted(facts, attempts.left, traces.verified);
  const judged = attempts.judged + traces.judged + sorted;
  if (world.judge !== undefined) rows.push(countCalls("judge", world.judge, judged));
  rows.push(countTraining(facts, facts.training, traces));
  if (facts.ownReplies !== undefined) rows.push(countReplies(facts.ownReplies));
  for (const [k, model] of world.evaluation.entries())
    rows.push(countCalls("evaluate", model, facts.evaluation[k]?.calls ?? 0));
  const microUsd = rows.reduce((sum, row) => sum + row.microUsd, 0);
  return { rows, verified: traces.verified, microUsd };
}

/** Questions whose subject the judge is asked for. */
function countSorted({ judgeSorts }: ForecastFacts, { unruled, ruled }: Left, verified: number): number {
  if (judgeSorts === undefined) return 0;
  return judgeSorts === "right" ? verified : unruled + ruled;
}

/** Questions of a run that are to be traced. */
interface Left {
  readonly unruled: number;
  readonly ruled: number;
}

function countAttempts(
  { ownTries, unruledShare, judgedShare, doubtedShare, tracesAll, asksAll = false }: ForecastFacts,
  { own, students }: World,
  questions: number,
): { readonly rows: CountedRow[]; readonly left: Left; readonly judged: number } {
  const rows: CountedRow[] = [];
  const unruled = Math.round(questions * unruledShare);
  let ruled = questions - unruled;
  let forJudge = Math.min(unruled, Math.round(questions * judgedShare));
  const neverAsked = unruled - forJudge;
  let judged = 0;
  if (ownTries !== undefined) {
    rows.push(countTries(ownTries, questions));
    if (!asksAll) ruled -= drawCount(ruled, own.share, own.z);
  }
  for (const student of students) {
    rows.push(countCalls("attempt", student, (ruled + forJudge) * student.model.samples));
    const solved = drawCount(ruled, student.solves, student.z.solves);
    judged += (forJudge + Math.ceil((ruled - solved) * doubtedShare)) * student.model.samples;
    if (asksAll) continue;
    ruled -= solved;
    forJudge -= drawCount(forJudge, student.solves, student.z.solves);
  }
  if (tracesAll) return { rows, left: { unruled, ruled: questions - unruled }, judged };
  // Of a band of pass rates it is not known how much is in it: all of it is counted. What nobody grades has no pass rate.
  return { rows, left: { unruled: forJudge + (asksAll ? 0 : neverAsked), ruled }, judged };
}

/** Every question is tried, also what no rule can grade. */
function countTries({ name, perQuestion, job }: NonNullable<ForecastFacts["ownTries"]>, questions: number): CountedRow {
  const row = { ...EMPTY_ROW, stage: "attempt", name, calls: questions * perQuestion } as const;
  if (job === undefined || questions === 0) return row;
  const of = (what: keyof JobTake): number => job.start[what] + job.each[what] * questions;
  const take = { completionTokens: of("completionTokens"), microUsd: of("microUsd"), seconds: of("seconds") };
  return { ...row, ...countJob(take, job) };
}

function countReplies({ name, calls, job }: NonNullable<ForecastFacts["ownReplies"]>): CountedRow {
  const row = { ...EMPTY_ROW, stage: "evaluate", name, calls } as const;
  return job === undefined ? row : { ...row, ...countJob(job.take, job) };
}

/** Less than was paid already it never takes. */
function countJob(
  { completionTokens, microUsd, seconds }: JobTake,
  { bought, isDone }: JobSoFar,
): Pick<CountedRow, "bought" | "completionTokens" | "microUsd" | "seconds"> {
  return {
    bought,
    completionTokens: Math.ceil(completionTokens),
    microUsd: isDone ? bought.microUsd : Math.max(bought.microUsd, Math.ceil(microUsd)),
    seconds: isDone ? 0 : seconds,
  };
}

/** What the teachers gave. */
interface CountedTraces {
  readonly verified: number;
  /** Tokens of one example each, together. */
  readonly exampleTokens: number;
  readonly judged: number;
}

function countTraces(
  { training, doubtedShare }: ForecastFacts,
  { teachers }: World,
  { unruled, ruled }: Left,
): CountedTraces & { readonly rows: CountedRow[] } {
  const rows: CountedRow[] = [];
  const unruledShare = unruled / Math.max(1, unruled + ruled);
  let [unsolved, verified, exampleTokens, judged] = [unruled + ruled, 0, 0, 0];
  for (const teacher of teachers) {
    const { samples, stopsWhenRight } = teacher.model;
    const solved = drawCount(unsolved, teacher.solves, teacher.z.solves);
    const wrong = (unsolved - solved) * samples;
    const right = solved * (stopsWhenRight ? 1 : samples);
    rows.push(countCalls("trace", teacher, right + wrong));
    judged += Math.ceil((right + wrong) * unruledShare + wrong * (1 - unruledShare) * doubtedShare);
    verified += solved;
    exampleTokens += solved * Math.min(training.maxLength, teacher.prompt.mean + teacher.completion.mean);
    unsolved -= solved;
  }
  return { rows, verified, exampleTokens, judged };
}

const EMPTY_ROW = { promptTokens: 0, completionTokens: 0, microUsd: 0, seconds: null, bought: NOTHING_BOUGHT } as const;

/** Calls of one model: what was bought before, and the rest at this world's lengths and price. */
function countCalls(stage: ForecastStage, drawn: DrawnModel, calls: number): CountedRow {
  const { model, prompt, completion, rates, z } = drawn;
  const { bought } = model;
  const rest = Math.max(0, calls - bought.calls);
  const promptTokens = Math.ceil(drawSum(prompt, rest, z.prompt));
  const completionTokens = Math.ceil(drawSum(completion, rest, z.completion));
  const exact = (promptTokens * rates.inputPerMillion + completionTokens * rates.outputPerMillion) / MICRO;
  const isFree = rates.inputPerMillion === 0 && rates.outputPerMillion === 0;
  return {
    stage,
    name: model.name,
    bought,
    calls: bought.calls + rest,
    promptTokens: bought.promptTokens + promptTokens,
    completionTokens: bought.completionTokens + completionTokens,
    microUsd: bought.microUsd + (isFree ? 0 : Math.ceil(exact) + rest),
    seconds: rest === 0 ? 0 : secondsFor(drawn, rest, promptTokens + completionTokens),
  };
}

/** The slowest of its limits: requests in flight, requests a minute, tokens a minute. */
function secondsFor({ model, secondsEach, batchSeconds }: DrawnModel, calls: number, tokens: number): number {
  if (model.isBatch) return batchSeconds;
  const { concurrency, requestsPerMinute = Infinity, tokensPerMinute = Infinity } = model;
  return Math.max(
    secondsEach,
    (calls * secondsEach) / concurrency,
    (calls / requestsPerMinute) * SECONDS_A_MINUTE,
    (tokens / tokensPerMinute) * SECONDS_A_MINUTE,
  );
}

/** Trained tokens are those of the chosen examples, prompt and all, once an epoch; chosen ones are as long as the others. */
function countTraining(
  { examples: wanted }: ForecastFacts,
  { name, microUsdPerMillion, startMicroUsd = 0, minimumMicroUsd = 0, epochs, bought, isDone }: PlannedTraining,
  { verified, exampleTokens }: CountedTraces,
): CountedRow {
  const examples = Math.min(wanted, verified);
  const tokens = verified === 0 ? 0 : Math.ceil((exampleTokens / verified) * examples * epochs);
  const counted = Math.ceil((tokens / MICRO) * microUsdPerMillion + startMicroUsd);
  const cost = tokens === 0 ? 0 : Math.max(minimumMicroUsd, counted);
  // A fine-tune that gave no model was paid for, and another is to be bought; a job is gone on with.
  const ordered = bought.microUsd + (bought.calls > 0 ? 0 : cost);
  return {
    ...EMPTY_ROW,
    stage: "train",
    name,
    bought,
    calls: examples * epochs,
    completionTokens: tokens,
    microUsd: isDone === undefined ? ordered : isDone ? bought.microUsd : Math.max(bought.microUsd, cost),
  };
}
