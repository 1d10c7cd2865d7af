/** @file The examples that a run selected, as rows of a data set: s1K's columns first, then what is known of each. */
import { createHash } from "node:crypto";
import type { FileSystem } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import { type Grade, GradedTrace, Question, Selection, Trace } from "../../schema/records.ts";
import { openFinishedStage } from "../finished-stages.ts";

/** A row of the exported data set. The first eight columns are s1K's (s1.md 1.6), in its order. */
export interface DatasetRow {
  readonly solution: string | null;
  readonly question: string;
  readonly cot_type: string;
  readonly source_type: string;
  /** JSON text; s1K has Python's. */
  readonly metadata: string;
  readonly cot: null;
  readonly thinking_trajectories: readonly string[];
  readonly attempt: string;
  readonly question_id: string;
  readonly trace_id: string;
  readonly rank: number;
  readonly domain: string;
  readonly thinking_tokens: number;
  readonly teacher: string;
  readonly provenance: Trace["provenance"];
  readonly grade: Grade["outcome"];
}

/** Most examples that are exported at once: they are in memory together. */
export const MAX_EXPORTED = 100_000;

/**
 * The selected examples of a run, in the order of their selection. Stages are checked by hash.
 *
 * @throws AppError "file-missing" while nothing is selected; "file-corrupt"; "limit-exceeded" above {@link MAX_EXPORTED}.
 */
export async function selectedRows(fs: FileSystem, runFolder: string): Promise<DatasetRow[]> {
  const open = async (stage: "attempt" | "trace" | "grade" | "select") =>
    (await openFinishedStage(fs, runFolder, { stage, verification: "hashes" })).input;
  const selection = await (await open("select")).readRows("selection.jsonl", Selection);
  if (selection.length > MAX_EXPORTED)
    throw new AppError("limit-exceeded", `${selection.length} examples exceed the limit of ${MAX_EXPORTED}`);
  const [questionIds, traceIds] = [
    new Set(selection.map(({ questionId }) => questionId)),
    new Set(selection.map(({ traceId }) => traceId)),
  ];
  const questions = await keyed((await open("attempt")).streamRows("questions.jsonl", Question), ({ id }) =>
    questionIds.has(id) ? id : undefined,
  );
  const traces = await keyed((await open("trace")).streamRows("traces.jsonl", Trace), ({ id }) =>
    traceIds.has(id) ? id : undefined,
  );
  const grades = await keyed((await open("grade")).streamRows("grades.jsonl", GradedTrace), ({ traceId }) =>
    traceIds.has(traceId) ? traceId : undefined,
  );
  return selection.map((row) => {
    const [question, trace] = [questions.get(row.questionId), traces.get(row.traceId)];
    if (question === undefined || trace === undefined)
      throw new AppError("file-corrupt", `the selection names trace ${row.traceId}, which the run does not hold`);
    return datasetRow(row, { question, trace, grade: grades.get(row.traceId)?.grade.outcome ?? "unscored" });
  });
}

async function keyed<T>(rows: AsyncIterable<T>, keyOf: (row: T) => string | undefined): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  for await (const row of rows) {
    const key = keyOf(row);
    if (key !== undefined) found.set(key, row);
  }
  return found;
}

interface Joined {
  readonly question: Question;
  readonly trace: Trace;
  readonly grade: Grade["outcome"];
}

function datasetRow({ rank, domain, thinkingTokens }: Selection, { question, trace, grade }: Joined): DatasetRow {
  const { id, text, answer, family, metadata } = question;
  const { sourceName, kind, part } = metadata;
  const source = sourceName === undefined ? `grappa/${family}` : String(sourceName);
  return {
    solution: answer,
    question: text,
    cot_type: kind === undefined ? "math" : String(kind),
    source_type: part === undefined ? source : `${source}/${String(part)}`,
    metadata: JSON.stringify(metadata),
    cot: null,
    thinking_trajectories: [trace.thinking],
    attempt: trace.answer,
    question_id: id,
    trace_id: trace.id,
    rank,
    domain,
    thinking_tokens: thinkingTokens,
    teacher: trace.model,
    provenance: trace.provenance,
    grade,
  };
}

/** SHA-256 of bytes that are in memory. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
