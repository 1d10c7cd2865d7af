/** @file Which rows of a data set are taken: a closed set of tests, compared as text, with nothing that is run. */
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { normaliseQuestion } from "../../questions/bucket.ts";
import type { RowCondition, RowTest } from "../../schema/question-source.ts";

/** The lists that tests may name: each the {@link listKey} of its texts. */
export type TextLists = ReadonlyMap<string, ReadonlySet<string>>;

/** What stands for a text in a list: equal for texts that differ in white space or Unicode form alone. */
export function listKey(text: string): string {
  return shortHash(normaliseQuestion(text));
}

/**
 * The value at a path of a row: a field of that name, else the parts of it joined by dots (`choices.text.0`). Undefined where
 * there is none.
 */
export function fieldAt({ values }: TaskRow, path: string): unknown {
  if (Object.hasOwn(values, path)) return values[path];
  let value: unknown = values;
  for (const step of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** A field's text: of numbers and truths their usual writing, of lists and objects their JSON; null for none. */
export function fieldText(row: TaskRow, path: string): string | null {
  const value = fieldAt(row, path);
  if (value === undefined || value === null) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value as string | number | boolean);
}

/** Whether a row passes all conditions. Throws "recipe-invalid" for a list that the source does not have. */
export function passes(row: TaskRow, conditions: readonly RowCondition[], lists: TextLists): boolean {
  return conditions.every(
    (condition) => holds(row, condition, lists) || (condition.or ?? []).some((other) => holds(row, other, lists)),
  );
}

function holds(row: TaskRow, test: RowTest, lists: TextLists): boolean {
  const text = fieldText(row, test.field);
  const isOneOf = (values: readonly (string | number | boolean)[]): boolean =>
    text !== null && values.some((value) => String(value) === text);
  if (test.equals !== undefined) return isOneOf([test.equals]);
  if (test.notEquals !== undefined) return !isOneOf([test.notEquals]);
  if (test.in !== undefined) return isOneOf(test.in);
  if (test.notIn !== undefined) return !isOneOf(test.notIn);
  if (test.isNull !== undefined) return (text === null || text.trim() === "") === test.isNull;
  if (test.startsWith !== undefined) return text?.startsWith(test.startsWith) === true;
  if (test.contains !== undefined) return text?.includes(test.contains) === true;
  if (test.notContains !== undefined) return text?.includes(test.notContains) !== true;
  if (test.lessOrEqual !== undefined) return numberOf(text) <= test.lessOrEqual;
  if (test.greaterOrEqual !== undefined) return numberOf(text) >= test.greaterOrEqual;
  const list = test.listedIn ?? test.notListedIn ?? "";
  return (text !== null && listNamed(list, lists).has(listKey(text))) === (test.listedIn !== undefined);
}

/** NaN, which is neither less nor greater, where it is no number. */
function numberOf(text: string | null): number {
  return text === null || text.trim() === "" ? Number.NaN : Number(text);
}

function listNamed(name: string, lists: TextLists): ReadonlySet<string> {
  const list = lists.get(name);
  if (list !== undefined) return list;
  throw new AppError("recipe-invalid", `a test names the list "${name}", which its source does not have`, {
    hint: `its lists: ${lists.size === 0 ? "none" : [...lists.keys()].join(", ")}`,
    data: { list: name },
  });
}
