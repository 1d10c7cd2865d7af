/** @file One question's whole way through a run, gathered from the outputs of its stages. Changes nothing. */
import type { z } from "zod";
import type { FileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { StageName } from "../schema/manifest.ts";
import {
  Attempt,
  Dropped,
  Example,
  type Grade,
  GradedTrace,
  Question,
  QuestionDomain,
  Selection,
  Trace,
  TraceFailure,
} from "../schema/records.ts";
import { finishedStages } from "./finished-stages.ts";
import type { StageInput } from "./stage.ts";
import { readTraceLengths } from "./stages/trace-lengths.ts";

/** A trace with what became of it. */
export interface ToldTrace {
  readonly trace: Trace;
  readonly grade: Grade | null;
  /** In the student's tokens; null while it is not counted. */
  readonly thinkingTokens: number | null;
  readonly dropped: readonly Dropped[];
  readonly selection: Selection | null;
  /** Ids of the training example, prompt and all; null where there is none. */
  readonly exampleTokens: number | null;
}

/** Everything a run knows of a question. */
export interface QuestionStory {
  readonly question: Question;
  /** Whether it is held out: kept for evaluation, and never trained on. */
  readonly isHeldOut: boolean;
  /** Its subject as the judge told it; null where it was not asked. */
  readonly toldDomain: string | null;
  readonly attempts: readonly Attempt[];
  readonly failures: readonly TraceFailure[];
  readonly traces: readonly ToldTrace[];
  /** Where the question itself was dropped, and why. */
  readonly dropped: readonly Dropped[];
  /** Stages that are done; of later ones nothing is known. */
  readonly stages: readonly StageName[];
}

/** Fewest characters of an id. */
const MIN_PREFIX = 4;
const MOST_NAMED = 5;

/**
 * The story of a question, by its id or that of one of its traces, whole or its beginning; undefined where the run has none.
 *
 * @throws AppError "usage" for what is no beginning of an id, or fits more than one question.
 */
export async function readStory(fs: FileSystem, runFolder: string, id: string): Promise<QuestionStory | undefined> {
  if (!/^[0-9a-f]{4,16}$/.test(id))
    throw new AppError(
      "usage",
      `${id.slice(0, 40)}: not an id; at least ${MIN_PREFIX} of its 16 hex digits are needed`,
    );
  const run = new FinishedRun(await finishedStages(fs, runFolder));
  const wanted = await findQuestion(run, id);
  if (wanted === undefined) return undefined;
  const { question, isHeldOut } = wanted;
  const isOwn = (row: { readonly questionId: string }): boolean => row.questionId === question.id;
  const traces = await run.rows("trace", "traces.jsonl", Trace, isOwn);
  const dropped = await run.dropped(new Set([question.id, ...traces.map((trace) => trace.id)]));
  return {
    question,
    isHeldOut,
    toldDomain: await run.toldDomain(question.id),
    attempts: await run.rows("attempt", "attempts.jsonl", Attempt, isOwn),
    failures: await run.rows("trace", "failed.jsonl", TraceFailure, isOwn),
    traces: await tellTraces(run, traces, dropped),
    dropped: dropped.filter((row) => row.id === question.id),
    stages: [...run.stages.keys()],
  };
}

/** Why questions with ids that begin so were dropped before anybody was asked; their texts were not kept. */
export async function readDroppedEarly(fs: FileSystem, runFolder: string, id: string): Promise<readonly Dropped[]> {
  const run = new FinishedRun(await finishedStages(fs, runFolder));
  return await run.rows("collect", "dropped.jsonl", Dropped, (row) => row.id.startsWith(id));
}

/** Outputs of the stages that are done; what is not there is empty. */
class FinishedRun {
  readonly stages: ReadonlyMap<StageName, StageInput>;

  constructor(stages: ReadonlyMap<StageName, StageInput>) {
    this.stages = stages;
  }

  /** The rows of a file that are wanted, in their order. */
  async rows<T>(stage: StageName, file: string, schema: z.ZodType<T>, isWanted: (row: T) => boolean): Promise<T[]> {
    const input = this.stages.get(stage);
    if (input === undefined || !input.manifest.files.some(({ path }) => path === file)) return [];
    const found: T[] = [];
    for await (const row of input.streamRows(file, schema)) if (isWanted(row)) found.push(row);
    return found;
  }

  async toldDomain(questionId: string): Promise<string | null> {
    const [told] = await this.rows("grade", "domains.jsonl", QuestionDomain, (row) => row.questionId === questionId);
    return told?.domain ?? null;
  }

  /** What the stages dropped of these ids, in the order of the stages. */
  async dropped(ids: ReadonlySet<string>): Promise<Dropped[]> {
    const found: Dropped[] = [];
    for (const stage of this.stages.keys())
      found.push(...(await this.rows(stage, "dropped.jsonl", Dropped, ({ id }) => ids.has(id))));
    return found;
  }
}

interface Wanted {
  readonly question: Question;
  readonly isHeldOut: boolean;
}

/** The one question that an id belongs to, by itself or through a trace. */
async function findQuestion(run: FinishedRun, id: string): Promise<Wanted | undefined> {
  const traced = await run.rows("trace", "traces.jsonl", Trace, (trace) => trace.id.startsWith(id));
  const ids = new Set(traced.map(({ questionId }) => questionId));
  const isWanted = (question: Question): boolean => question.id.startsWith(id) || ids.has(question.id);
  const found: Wanted[] = [];
  for (const file of ["questions.jsonl", "held-out.jsonl"])
    for (const question of await run.rows("collect", file, Question, isWanted))
      found.push({ question, isHeldOut: file === "held-out.jsonl" });
  const whole = found.find(({ question }) => question.id === id);
  if (whole !== undefined || found.length <= 1) return whole ?? found[0];
  const names = found.slice(0, MOST_NAMED).map(({ question }) => question.id);
  throw new AppError("usage", `${id} is the beginning of ${found.length} questions' ids: ${names.join(", ")}`, {
    hint: "give more of its digits",
    data: { questions: names },
  });
}

async function tellTraces(
  run: FinishedRun,
  traces: readonly Trace[],
  dropped: readonly Dropped[],
): Promise<ToldTrace[]> {
  const ids = new Set(traces.map(({ id }) => id));
  const isOwn = (row: { readonly traceId: string }): boolean => ids.has(row.traceId);
  const grades = byTrace(await run.rows("grade", "grades.jsonl", GradedTrace, isOwn));
  const selections = byTrace(await run.rows("select", "selection.jsonl", Selection, isOwn));
  const examples = byTrace(await run.rows("tokenize", "examples.jsonl", Example, isOwn));
  const grade = run.stages.get("grade");
  const lengths = grade === undefined ? new Map<string, number>() : await readTraceLengths(grade);
  return traces.map((trace) => ({
    trace,
    grade: grades.get(trace.id)?.grade ?? null,
    thinkingTokens: lengths.get(trace.id) ?? null,
    dropped: dropped.filter(({ id }) => id === trace.id),
    selection: selections.get(trace.id) ?? null,
    exampleTokens: examples.get(trace.id)?.inputIds.length ?? null,
  }));
}

function byTrace<Row extends { readonly traceId: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.traceId, row]));
}
