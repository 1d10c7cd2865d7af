/**
 * @file An index of a run's traces: who they are, what became of them, and the texts of their questions; built once a version of
 * the run. Of thinking and answers it knows only where they stand: of 60,000 they are gigabytes.
 */
import type { z } from "zod";
import { readLineAt } from "../../adapters/store/read-line-at.ts";
import { readLines } from "../../adapters/store/read-lines.ts";
import { AppError } from "../../core/errors.ts";
import type { CountedBy, IndexFacts } from "../../report/page/trace-list.ts";
import { Dropped, type Grade, GradedTrace, Question, QuestionDomain, Selection, Trace } from "../../schema/records.ts";
import type { StageName } from "../../schema/manifest.ts";
import { finishedStages } from "../finished-stages.ts";
import { parseRecord } from "../parse-record.ts";
import type { StageInput } from "../stage.ts";
import { readTraceLengths } from "../stages/trace-lengths.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** A question, once for all its traces. */
export interface IndexedQuestion {
  readonly text: string;
  /** The text as it is searched. */
  readonly lower: string;
  readonly answer: string | null;
  readonly domain: string;
  readonly traces: string[];
}

/** A trace, as far as it is kept in memory. */
export interface IndexedTrace {
  readonly place: number;
  readonly id: string;
  readonly questionId: string;
  readonly question: IndexedQuestion;
  /** Where its line stands in the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly grade: Grade | null;
  readonly thinkingTokens: number | null;
  readonly dropped: Pick<Dropped, "stage" | "reason" | "detail"> | null;
  readonly selection: Pick<Selection, "reason" | "rank"> | null;
}

/** All traces of a run. */
export interface TraceIndex {
  /** The file with their texts. */
  readonly path: string;
  readonly traces: readonly IndexedTrace[];
  readonly byId: ReadonlyMap<string, IndexedTrace>;
  readonly facts: IndexFacts;
  /** Whether the selection is done. */
  readonly isSelected: boolean;
}

/** The index of a run, as far as it has come. Throws "file-missing" before its traces are bought. */
export async function traceIndex(facts: RunFacts, { indexes, ports }: PageReader): Promise<TraceIndex> {
  return await indexes.get(facts.folder, doneStamp(facts), async () => {
    const began = ports.clock.now();
    const run = new Finished(await finishedStages(ports.fs, facts.folder));
    return await buildIndex(run, () => (ports.clock.now() - began) / 1000);
  });
}

/** In whose tokens the lengths of a run's index are, as `writeTraceLengths` counted. */
export function countedBy({ recipe }: RunFacts): CountedBy {
  return recipe?.student.hosted === undefined ? "student" : "teacher";
}

/** Rows of stages that are done; none of others. */
class Finished {
  readonly stages: ReadonlyMap<StageName, StageInput>;

  constructor(stages: ReadonlyMap<StageName, StageInput>) {
    this.stages = stages;
  }

  async *rows<T>(stage: StageName, file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
    const input = this.stages.get(stage);
    if (input?.manifest.files.some(({ path }) => path === file)) yield* input.streamRows(file, schema);
  }

  async byId<T, Value>(
    rows: AsyncIterable<T>,
    entry: (row: T) => readonly [string, Value],
  ): Promise<Map<string, Value>> {
    const found = new Map<string, Value>();
    for await (const row of rows) found.set(...entry(row));
    return found;
  }
}

async function buildIndex(run: Finished, seconds: () => number): Promise<TraceIndex> {
  const path = run.stages.get("trace")?.path("traces.jsonl");
  if (path === undefined)
    throw new AppError("file-missing", "this run has no traces yet", {
      hint: "they are there when the stage `trace` is done",
    });
  const questions = await readQuestions(run);
  const traces = await readTraces(path, { questions, facts: await readFates(run) });
  const asked = new Set(traces.map(({ question }) => question));
  const textBytes = [...asked].reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return {
    path,
    traces,
    byId: new Map(traces.map((trace) => [trace.id, trace])),
    isSelected: run.stages.has("select"),
    facts: { traces: traces.length, textBytes, seconds: seconds() },
  };
}

async function readQuestions(run: Finished): Promise<Map<string, IndexedQuestion>> {
  const told = await run.byId(run.rows("grade", "domains.jsonl", QuestionDomain), (row) => [
    row.questionId,
    row.domain,
  ]);
  return await run.byId(run.rows("collect", "questions.jsonl", Question), ({ id, text, answer, domain }) => [
    id,
    { text, lower: text.toLowerCase(), answer, domain: told.get(id) ?? domain, traces: [] },
  ]);
}

type Fate = Pick<IndexedTrace, "grade" | "thinkingTokens" | "dropped" | "selection">;

/** What became of a trace, by its id. */
async function readFates(run: Finished): Promise<(id: string) => Fate> {
  const grades = await run.byId(run.rows("grade", "grades.jsonl", GradedTrace), (row) => [row.traceId, row.grade]);
  const grade = run.stages.get("grade");
  const lengths = grade === undefined ? new Map<string, number>() : await readTraceLengths(grade);
  const dropped = await run.byId(run.rows("select", "dropped.jsonl", Dropped), ({ id, stage, reason, detail }) => [
    id,
    { stage, reason, detail },
  ]);
  const selections = await run.byId(run.rows("select", "selection.jsonl", Selection), ({ traceId, reason, rank }) => [
    traceId,
    { reason, rank },
  ]);
  return (id) => ({
    grade: grades.get(id) ?? null,
    thinkingTokens: lengths.get(id) ?? null,
    dropped: dropped.get(id) ?? null,
    selection: selections.get(id) ?? null,
  });
}

const UNKNOWN: Omit<IndexedQuestion, "traces"> = { text: "", lower: "", answer: null, domain: "" };

async function readTraces(
  path: string,
  known: { readonly questions: Map<string, IndexedQuestion>; readonly facts: (id: string) => Fate },
): Promise<IndexedTrace[]> {
  const traces: IndexedTrace[] = [];
  for await (const { number, offset, bytes } of readLines(path)) {
    const { id, questionId } = idsOf(bytes, `${path}:${number}`);
    let question = known.questions.get(questionId);
    if (question === undefined) known.questions.set(questionId, (question = { ...UNKNOWN, traces: [] }));
    question.traces.push(id);
    const place = traces.length;
    traces.push({ place, id, questionId, question, offset, bytes: bytes.length, ...known.facts(id) });
  }
  return traces;
}

/** As grappa writes a trace, its ids stand in front: so a line of a megabyte need not be parsed. */
const FRONT = /^\{"schemaVersion":1,"id":"([0-9a-f]{16})","questionId":"([0-9a-f]{16})",/;
const FRONT_BYTES = 100;

function idsOf(bytes: Buffer, where: string): Pick<Trace, "id" | "questionId"> {
  const [, id, questionId] = FRONT.exec(bytes.toString("latin1", 0, FRONT_BYTES)) ?? [];
  return id === undefined || questionId === undefined
    ? parseRecord(bytes.toString("utf8"), Trace, where)
    : { id, questionId };
}

/** The whole of a trace, read from its place. Throws "record-invalid" where something else stands there now. */
export async function readTrace({ path }: TraceIndex, { id, offset, bytes, place }: IndexedTrace): Promise<Trace> {
  const line = await readLineAt(path, { number: place + 1, offset, sizeBytes: bytes });
  const trace = parseRecord(line.bytes.toString("utf8"), Trace, `${path}:${place + 1}`);
  if (trace.id === id) return trace;
  throw new AppError("record-invalid", `${path}:${place + 1}: another trace stands there now`, {
    hint: "load the page again",
  });
}
