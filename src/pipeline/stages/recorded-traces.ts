/** @file Traces that are there already, in a data set like s1K: read and matched to the questions, and nobody is asked. */
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { optionalTextField, type TaskRow, textField } from "../../evaluate/tasks/task-row.ts";
import { questionId } from "../../questions/bucket.ts";
import type { RecordedTeacher } from "../../schema/recipe.ts";
import { type Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import { type HubAccess, openDataFiles } from "../open-data.ts";
import { fieldAt } from "../sources/row-conditions.ts";
import type { StageContext } from "../stage.ts";
import type { TeacherOutcome } from "./ask-teachers.ts";

/** What reading them needs. */
export interface RecordedPorts {
  readonly context: Pick<StageContext, "recipe" | "recipeFolder" | "signal" | "warn" | "progress">;
  readonly hub: HubAccess | undefined;
}

/** Provider in the records of such traces. */
const PROVIDER = "recorded";
/** Bytes of a token, about: nobody counted them. */
const BYTES_PER_TOKEN = 3;
const MAX_ROW_BYTES = 64 * 1024 ** 2;

/**
 * A trace for each question that the data has one for, as many as the recipe's samples, in the data's order; then a failure
 * for each other question. Rows for no question, and those that cannot be read, are left out, and counted in a warning.
 *
 * @throws AppError of opening the data.
 */
export async function* recordedTraces(
  questions: readonly Question[],
  teacher: RecordedTeacher,
  { context, hub }: RecordedPorts,
): AsyncGenerator<TeacherOutcome> {
  const { recipe, recipeFolder, signal, warn, progress } = context;
  const found = new Map(questions.map(({ id }) => [id, 0]));
  const left = { others: 0, bad: 0, first: "" };
  const onBadRow = (row: number, { message }: AppError): void => noteBad(left, row, message);
  const columns = [teacher.question, teacher.thinking, teacher.answer]; // what is in others spoils no row
  const request = { data: teacher.data, workingFolder: recipeFolder, signal, ...(hub === undefined ? {} : { hub }) };
  const { files } = await openDataFiles(request, () => ({ maxRowBytes: MAX_ROW_BYTES, onBadRow, columns }));
  for (const file of files) {
    for await (const row of file.rows()) {
      const read = readOrWhy(row, teacher);
      const seen = typeof read === "string" ? undefined : found.get(read.questionId);
      if (typeof read === "string") noteBad(left, row.number, read);
      else if (seen === undefined || seen >= recipe.trace.samplesPerQuestion) left.others += 1;
      else {
        found.set(read.questionId, seen + 1);
        progress({ done: found.size, total: questions.length, unit: "traces" });
        yield { type: "trace", trace: traceOf(read, teacher, seen), teacher: teacher.model, outcome: null };
      }
    }
  }
  if (left.bad > 0) warn(`${left.bad} rows of the recorded traces cannot be read; the first: ${left.first}`);
  if (left.others > 0) warn(`${left.others} recorded traces are of no question that was collected`);
  for (const [id, count] of found) if (count === 0) yield missing(id, teacher);
}

function noteBad(left: { bad: number; first: string }, row: number, message: string): void {
  left.bad += 1;
  if (left.first === "") left.first = `row ${row}: ${message}`;
}

interface Recorded {
  readonly questionId: string;
  readonly thinking: string;
  readonly answer: string;
}

/** A row's trace, or why it has none. */
function readOrWhy(row: TaskRow, { question, thinking, answer }: RecordedTeacher): Recorded | string {
  const values = Object.fromEntries([question, thinking, answer].map((name) => [name, fieldAt(row, name)]));
  const flat = { number: row.number, values };
  try {
    return {
      questionId: questionId(textField(flat, [question])),
      thinking: textField(flat, [thinking]),
      answer: optionalTextField(flat, [answer]),
    };
  } catch (error) {
    if (error instanceof AppError && error.code === "record-invalid") return error.message;
    throw error;
  }
}

function traceOf({ questionId: id, thinking, answer }: Recorded, teacher: RecordedTeacher, sampleIndex: number): Trace {
  const tokensOf = (text: string): number => Math.ceil(new TextEncoder().encode(text).length / BYTES_PER_TOKEN);
  const reasoningTokens = tokensOf(thinking);
  return {
    schemaVersion: SCHEMA_VERSION,
    id: shortHash(JSON.stringify([PROVIDER, teacher.model, id, thinking, answer, sampleIndex])),
    questionId: id,
    provider: PROVIDER,
    model: teacher.model,
    sampleIndex,
    thinking,
    answer,
    provenance: teacher.reasoning,
    finishReason: "stop",
    usage: {
      promptTokens: 0,
      completionTokens: reasoningTokens + tokensOf(answer),
      reasoningTokens,
      isEstimated: true,
    },
    costMicroUsd: 0,
  };
}

function missing(questionId: string, teacher: RecordedTeacher): TeacherOutcome {
  const failure: TraceFailure = {
    schemaVersion: SCHEMA_VERSION,
    questionId,
    sampleIndex: 0,
    reason: "not-recorded",
    detail: "the data has no trace for this question",
  };
  return { type: "failure", failure, teacher: teacher.model, outcome: null };
}
