/** @file From the rows of a data file to a task's questions: ids by content, no question twice, a seeded subset. */
import { AppError } from "../../core/errors.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import type { TaskQuestion } from "./task.ts";
import type { QuestionDraft, ReadContext, TaskDefinition } from "./task-definition.ts";
import { type TaskRow, rowError } from "./task-row.ts";

/** Which questions to take. */
export interface ReadOptions extends ReadContext {
  /** At most so many, drawn by the seed; all where absent. */
  readonly limit?: number;
}

/** A question and where it stood in the file. */
export interface ReadQuestion {
  /** Number of the first row that asks it. */
  readonly row: number;
  readonly question: TaskQuestion;
}

/** A question's id: 16 hex digits of a hash of the task's name and what makes the question this one. */
export function taskQuestionId(task: string, identity: readonly string[]): string {
  return shortHash(canonicalJson([task, ...identity]));
}

/**
 * Questions of all rows, in the file's order.
 *
 * @throws AppError "record-invalid" for the first row that cannot be one, for a repeated question where the task refuses
 *   them, and for a file without rows.
 */
export async function readQuestions(
  definition: TaskDefinition,
  rows: Iterable<TaskRow> | AsyncIterable<TaskRow>,
  options: ReadOptions,
): Promise<readonly ReadQuestion[]> {
  const rowOfId = new Map<string, number>();
  const rowOfPrompt = new Map<string, number>();
  let kept: ReadQuestion[] = [];
  for await (const row of rows) {
    const draft = definition.read(row, options);
    const id = taskQuestionId(definition.name, draft.identity);
    const earlier = rowOfId.get(id);
    if (earlier !== undefined && definition.duplicates === "refuse") throw repeated(row, earlier, definition);
    if (earlier !== undefined) continue;
    rowOfId.set(id, row.number);
    refuseContradiction(row, { prompt: draft.prompt, rowOfPrompt });
    kept.push({ row: row.number, question: withId(id, draft) });
    // The tests of a large set must not all be in memory where a few questions are wanted.
    if (options.limit !== undefined && kept.length >= 2 * options.limit + 64) kept = subset(kept, options);
  }
  if (kept.length === 0) {
    throw new AppError("record-invalid", `${definition.name}: the data holds no rows`, {
      hint: `expected rows with the fields ${definition.layouts.join("; or ")}`,
      data: { task: definition.name },
    });
  }
  return subset(kept, options);
}

/** Two questions of one text cannot want two things: no reply could meet both, and near-duplicates of theirs neither. */
function refuseContradiction(
  row: TaskRow,
  { prompt, rowOfPrompt }: { prompt: string; rowOfPrompt: Map<string, number> },
): void {
  const key = shortHash(prompt);
  const earlier = rowOfPrompt.get(key);
  if (earlier !== undefined) throw rowError(row, "(all)", `asks the same as row ${earlier}, but wants something else`);
  rowOfPrompt.set(key, row.number);
}

function withId(id: string, { identity: _identity, cluster, ...rest }: QuestionDraft): TaskQuestion {
  return { id, cluster: cluster ?? id, ...rest };
}

function repeated(row: TaskRow, earlier: number, { name }: TaskDefinition): AppError {
  return rowError(row, "(all)", `the same question as row ${earlier}; ${name} has each once`);
}

function subset(questions: readonly ReadQuestion[], options: ReadOptions): ReadQuestion[] {
  const chosen = new Set(
    chooseQuestions(
      questions.map(({ question }) => question),
      options,
    ),
  );
  return questions.filter(({ question }) => chosen.has(question));
}

/**
 * At most `limit` questions, in their order: the same ones whatever that order is, as each has a place by the hash of seed and
 * id.
 */
export function chooseQuestions(
  questions: readonly TaskQuestion[],
  { seed, limit }: { readonly seed: number; readonly limit?: number },
): readonly TaskQuestion[] {
  if (limit === undefined || limit >= questions.length) return questions;
  const places = questions.map(({ id }) => shortHash(`${seed}/limit/${id}`));
  const highest = [...places].sort()[limit - 1] ?? "";
  return questions.filter((_, at) => (places[at] ?? "") <= highest);
}
