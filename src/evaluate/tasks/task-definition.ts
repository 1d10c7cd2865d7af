/** @file What a benchmark is before its data is read: names, versions, licence, and how a row becomes a question. */
import type { TaskQuestion } from "./task.ts";
import type { TaskRow } from "./task-row.ts";

/** Where a task's data comes from and on what terms; docs/tasks.md and tasks/<name>/README.md say the same. */
export interface TaskSource {
  /** Who made it and where it is found. */
  readonly source: string;
  /** Terms of the data, as its source states them. */
  readonly licence: string;
  /** Questions in the whole set; null where it grows or is generated. */
  readonly questions: number | null;
  /** The fields of the known layouts, for a message about a wrong one. */
  readonly layouts: readonly string[];
}

/** What reading a row may use. */
export interface ReadContext {
  /** Seeds what a task draws for a question, together with the question's own content: GPQA's choices. */
  readonly seed: number;
  /** Inflates a zlib stream, refusing more than `maxBytes`. I/O of Node, so it comes in from outside. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** A row as a question, before it has its id. */
export interface QuestionDraft extends Pick<TaskQuestion, "prompt" | "gold" | "metadata" | "verify"> {
  /**
   * What makes the question this one, as texts: its id is their hash with the task's name. Never what a seed draws and never
   * the row's place; equal in every layout of the same data.
   */
  readonly identity: readonly string[];
  /** Cluster, where the data itself names one. */
  readonly cluster?: string;
}

/** A task without its data. */
export interface TaskDefinition extends TaskSource {
  readonly name: string;
  /** Other spellings that a user may type. */
  readonly aliases: readonly string[];
  /** Of prompt, field mapping and verifier together. */
  readonly version: string;
  readonly promptVersion: string;
  /** Grader profile, `code`, or a user's own. */
  readonly profile: string;
  readonly needs: readonly ("codeRunner" | "judge")[];
  /** Rows that say the same thing twice: an error (a benchmark's count is part of its meaning), or one question. */
  readonly duplicates: "refuse" | "merge";
  /** Fields of which a JSONL file's own text is wanted, not what JSON makes of it: a number keeps its spelling. */
  readonly rawFields?: readonly string[];
  /**
   * One row as a question.
   *
   * @throws AppError "record-invalid" naming row and field: a wrong layout, a missing field, a gold that cannot be graded.
   */
  read(row: TaskRow, context: ReadContext): QuestionDraft;
}
