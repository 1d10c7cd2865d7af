/** @file Questions of a user's own, from a data file: each row is a question, or is reported with its file and row. */
import { basename } from "node:path";
import { openDataFile } from "../../adapters/datasets/open-data-file.ts";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { findField, optionalTextField, type TaskRow, textField } from "../../evaluate/tasks/task-row.ts";
import { compileGold } from "../../grade/grade-answer.ts";
import { fileBucketOf, questionId } from "../../questions/bucket.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Dropped, type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import { FILE_GRADERS } from "./grade-reply.ts";

/** A source of the recipe that is a file. */
export type FileSource = Extract<Recipe["collect"]["sources"][number], { type: "file" }>;

/** What a file came to. */
export interface FileQuestions {
  /** At most as many as the source asks for. */
  readonly train: readonly Question[];
  /** Those of the buckets tune and test: never trained on. */
  readonly heldOut: readonly Question[];
  /** Rows that are no question. */
  readonly dropped: readonly Dropped[];
}

/** Longest question that a record holds, characters. */
const MAX_QUESTION_LENGTH = 65_536;
const MAX_DOMAIN_LENGTH = 200;

/**
 * Reads a file whole. Bad rows are dropped, each with its reason; the others stay.
 *
 * @param path where the file lies
 * @throws AppError "file-missing"; "file-corrupt" or "limit-exceeded" for a file that cannot be read on.
 */
export async function readFileQuestions(path: string, source: FileSource): Promise<FileQuestions> {
  const dropped: Dropped[] = [];
  const file = basename(source.path);
  const drop = (row: number, reason: string, detail: string): void => {
    const place = `${file}, row ${row}`;
    const id = shortHash(`${place}/${reason}`);
    dropped.push({ schemaVersion: SCHEMA_VERSION, id, stage: "collect", reason, detail: `${place}: ${detail}` });
  };
  const onBadRow = (row: number, error: AppError): void => drop(row, "bad-row", error.message);
  const train: Question[] = [];
  const heldOut: Question[] = [];
  const data = await openDataFile(path, { limits: { onBadRow } });
  for await (const row of data.rows()) {
    const read = readOrDrop(row, source);
    if ("reason" in read) drop(row.number, read.reason, read.detail);
    else if (read.bucket !== "train") heldOut.push(read);
    else if (train.length < source.count) train.push(read);
  }
  return { train, heldOut, dropped };
}

function readOrDrop(row: TaskRow, source: FileSource): Question | { reason: string; detail: string } {
  try {
    const question = readQuestion(row, source);
    const gold = question.answer === null ? undefined : compileGold(question.answer, FILE_GRADERS[source.grader]);
    return gold?.status === "error" ? { reason: "gold-error", detail: gold.reason } : question;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "record-invalid") throw error;
    return { reason: "bad-row", detail: error.message };
  }
}

function readQuestion(row: TaskRow, source: FileSource): Question {
  const text = textField(row, [source.question], MAX_QUESTION_LENGTH);
  const answer = optionalTextField(row, [source.answer]);
  return {
    schemaVersion: SCHEMA_VERSION,
    id: questionId(text),
    text,
    answer: answer === "" ? null : answer,
    family: "file",
    domain: domainOf(row, source),
    difficulty: 1,
    bucket: fileBucketOf(text),
    metadata: { grader: source.grader },
  };
}

/** A row without a domain is of one with all others like it. */
function domainOf(row: TaskRow, { domain, path }: FileSource): string {
  if (domain === undefined || findField(row, [domain]) === undefined) return basename(path);
  return optionalTextField(row, [domain], MAX_DOMAIN_LENGTH) || basename(path);
}
