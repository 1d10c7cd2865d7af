/**
 * @file What a run will cost: some hundred possible worlds are drawn from what is known, the run is counted through in
 * each, and the quantiles over the worlds are told. Equal facts give an equal forecast. Pure.
 *
 * Where a simplification was needed, it is the dearer one: a question's samples are all right or all wrong (so they stop
 * later and are passed on more often), each call is rounded up, a long prompt's price holds for all.
 */
import { prng } from "../core/prng.ts";
import { quantile } from "../core/statistics/bootstrap.ts";
import { type DrawnQuantity, drawCount, drawQuantity, drawShare, drawSum } from "./forecast-draws.ts";
import {
  type AskedModel,
  type Bought,
  type ForecastFacts,
  NOTHING_BOUGHT,
  type PaidTraining,
} from "./forecast-facts.ts";
import { ratesFor } from "./price-book.ts";

/** A number that is not known yet: its middle, and what it stays below in nine worlds of ten. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
}

/** Stages that can cost money, as the ledger's accounts are named. */
export type ForecastStage = "attempt" | "trace" | "judge" | "train" | "evaluate";

/** One line of the forecast: one model in one role. What was bought before is part of its numbers. */
export interface ForecastRow {
  readonly stage: ForecastStage;
  readonly name: string;
  /** Calls; trained examples times epochs for a fine-tune. */
  readonly calls: Spread;
  readonly promptTokens: Spread;
  /** Thinking included; trained tokens for a fine-tune. */
  readonly completionTokens: Spread;
  readonly microUsd: Spread & { readonly mean: number };
  /** Null where it is not forecast: work on this machine, and fine-tunes of others. */
  readonly seconds: Spread | null;
  readonly bought: Bought;
}

/** The whole forecast. Quantiles of a sum are not sums of quantiles; means are. */
export interface Forecast {
  readonly rows: readonly ForecastRow[];
  readonly microUsd: Spread & { readonly mean: number };
  /** Of the rows that have one. */
  readonly seconds: Spread;
  /** Questions with a right trace. */
  readonly verified: Spread;
  /** What is left of `microUsd` when the bought part is taken away. */
  readonly remainingMicroUsd: Spread;
}

/** So many worlds put the error of a p90 below a twentieth of the spread. */
export const WORLDS = 1000;
const MICRO = 1_000_000;
const SECONDS_A_MINUTE = 60;
/** Batches come back between a quarter of an hour and a day, each octave as likely as the others. */
const BATCH_SECONDS = [900, 86_400] as const;

/** One model in one world. */
interface DrawnModel {
  readonly model: AskedModel;
  readonly prompt: DrawnQuantity;
  readonly completion: DrawnQuantity;
  readonly secondsEach: number;
  readonly batchSeconds: number;
  readonly solves: number;
  readonly rates: { readonly inputPerMillion: number; readonly outputPerMillion: number };
  readonly z: { readonly prompt: number; readonly completion: number; readonly solves: number };
}

/** A possible world: everything but the number of questions, so that forecasts of fewer questions are of the same worlds. */
export interface World {
  readonly own: { readonly share: number; readonly z: number };
  readonly students: readonly DrawnModel[];
  readonly teachers: readonly DrawnModel[];
  readonly judge: DrawnModel | undefined;
  readonly evaluation: readonly DrawnModel[];
}

/** The worlds of some facts. */
export function drawWorlds(facts: ForecastFacts, worlds = WORLDS): World[] {
  return Array.from({ length: worlds }, (_, i): World => {
    const draw = (model: AskedModel, role: string): DrawnModel => drawModel(model, `forecast/${i}/${role}`);
    const random = prng(`forecast/${i}/own`);
    return {
      own: { share: facts.ownTries === undefined ? 0 : drawShare(facts.ownTries.solves, random), z: random.normal() },
      students: facts.students.map((model, k) => draw(model, `student/${k}`)),
      teachers: facts.teachers.map((model, k) => draw(model, `teacher/${k}`)),
      judge: facts.judge === undefined ? undefined : draw(facts.judge, "judge"),
      evaluation: facts.evaluation.map(({ model }, k) => draw(model, `evaluate/${k}`)),
    };
  });
}

function drawModel(model: AskedModel, key: string): DrawnModel {
  const random = prng(key);
  const prompt = drawQuantity(model.prompt, random);
  const completion = drawQuantity(model.completion, random);
  const [soonest, latest] = BATCH_SECONDS;
  return {
    model,
    prompt,
    completion,
    secondsEach: drawQuantity(model.seconds, random).mean,
    batchSeconds: soonest * (latest / soonest) ** random.next(),
    solves: drawShare(model.solves, random),
    rates: ratesFor(random.pick(model.prices), prompt.mean),
    z: { prompt: random.normal(), completion: random.normal(), solves: random.normal() },
  };
}

/** A row in one world. */
interface CountedRow {
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
  const rows: CountedRow[] = [];
  let replies = 0;
  const ask = (stage: ForecastStage, drawn: DrawnModel, calls: number): void => {
    const row = countCalls(stage, drawn, calls);
    rows.push(row);
    if (stage === "attempt" || stage === "trace") replies += row.calls;
  };
  let left = questions;
  if (facts.ownTries !== undefined) {
    const { name, perQuestion } = facts.ownTries;
    rows.push({ ...EMPTY_ROW, stage: "attempt", name, calls: questions * perQuestion });
    left -= drawCount(left, world.own.share, world.own.z);
  }
  for (const student of world.students) {
    ask("attempt", student, left * student.model.samples);
    left -= drawCount(left, student.solves, student.z.solves);
  }
  let unsolved = facts.tracesAll ? questions : left;
  let verified = 0;
  let exampleTokens = 0;
  for (const teacher of world.teachers) {
    const solved = drawCount(unsolved, teacher.solves, teacher.z.solves);
    const { samples, stopsWhenRight } = teacher.model;
    ask("trace", teacher, stopsWhenRight ? solved + (unsolved - solved) * samples : unsolved * samples);
    verified += solved;
    exampleTokens += solved * Math.min(facts.training?.maxLength ?? 0, teacher.prompt.mean + teacher.completion.mean);
    unsolved -= solved;
  }
  if (world.judge !== undefined) ask("judge", world.judge, Math.ceil(replies * facts.judgedShare));
  if (facts.training !== undefined) rows.push(countTraining(facts, facts.training, { verified, exampleTokens }));
  for (const [k, model] of world.evaluation.entries()) ask("evaluate", model, facts.evaluation[k]?.calls ?? 0);
  return { rows, verified, microUsd: rows.reduce((sum, { microUsd }) => sum + microUsd, 0) };
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
  { name, microUsdPerMillion, epochs, bought }: PaidTraining,
  { verified, exampleTokens }: { readonly verified: number; readonly exampleTokens: number },
): CountedRow {
  const examples = Math.min(wanted, verified);
  const tokens = verified === 0 ? 0 : Math.ceil((exampleTokens / verified) * examples * epochs);
  const cost = Math.ceil((tokens / MICRO) * microUsdPerMillion);
  return {
    ...EMPTY_ROW,
    stage: "train",
    name,
    bought,
    calls: examples * epochs,
    completionTokens: tokens,
    microUsd: bought.calls > 0 ? bought.microUsd : cost,
  };
}

/** The forecast of a run. */
export function forecastRun(facts: ForecastFacts, worlds: readonly World[] = drawWorlds(facts)): Forecast {
  const runs = worlds.map((world) => countRun(facts, world, facts.questions));
  const rows = (runs[0]?.rows ?? []).map(({ stage, name, bought }, k): ForecastRow => {
    const of = (pick: (row: CountedRow) => number): number[] => runs.map((run) => pick(run.rows[k] as CountedRow));
    const isTimed = runs.every((run) => run.rows[k]?.seconds !== null);
    return {
      stage,
      name,
      bought,
      calls: spreadOf(of(({ calls }) => calls)),
      promptTokens: spreadOf(of(({ promptTokens }) => promptTokens)),
      completionTokens: spreadOf(of(({ completionTokens }) => completionTokens)),
      microUsd: withMean(of(({ microUsd }) => microUsd)),
      seconds: isTimed ? spreadOf(of(({ seconds }) => seconds ?? 0)) : null,
    };
  });
  const bought = rows.reduce((sum, row) => sum + row.bought.microUsd, 0);
  return {
    rows,
    microUsd: withMean(runs.map(({ microUsd }) => microUsd)),
    seconds: spreadOf(runs.map((run) => run.rows.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0))),
    verified: spreadOf(runs.map(({ verified }) => verified)),
    remainingMicroUsd: spreadOf(runs.map(({ microUsd }) => microUsd - bought)),
  };
}

/** Quantiles, rounded up to whole numbers. */
function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? { p50: 0, p90: 0 }
    : { p50: Math.ceil(quantile(sorted, 0.5)), p90: Math.ceil(quantile(sorted, 0.9)) };
}

function withMean(values: readonly number[]): Spread & { readonly mean: number } {
  return { ...spreadOf(values), mean: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length) };
}

/**
 * How many questions fit under a cap in nine worlds of ten, and how many right traces they give; all of them where all
 * fit. More is never dearer to forecast: it is the same worlds at each step.
 */
export function questionsWithin(
  facts: ForecastFacts,
  capMicroUsd: number,
  worlds: readonly World[] = drawWorlds(facts),
): { readonly questions: number; readonly verified: Spread } {
  const p90 = (questions: number): number =>
    spreadOf(worlds.map((world) => countRun(facts, world, questions).microUsd)).p90;
  const fits = (questions: number): boolean => p90(questions) <= capMicroUsd;
  let [low, high] = fits(facts.questions) ? [facts.questions, facts.questions] : [0, facts.questions];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return { questions: low, verified: spreadOf(worlds.map((world) => countRun(facts, world, low).verified)) };
}
