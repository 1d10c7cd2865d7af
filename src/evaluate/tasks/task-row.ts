/** @file A row of a data file, and reading its fields so that every complaint names the row, the field and what was found. */
import { AppError } from "../../core/errors.ts";

/** One row of a data file: plain values only (text, numbers, booleans, null, lists and objects of these). */
export interface TaskRow {
  /** Where it stands in its file, from 1; a CSV's header is not counted. */
  readonly number: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Longest text that is taken from one field. */
export const MAX_FIELD_LENGTH = 8 * 1024 * 1024;

/** The error of a row that a task cannot use: names the row and the field, and lists the fields that are there. */
export function rowError(row: TaskRow, field: string, problem: string): AppError {
  const found = Object.keys(row.values);
  return new AppError("record-invalid", `row ${row.number}, field ${field}: ${problem}`, {
    hint: `the row has these fields: ${found.length === 0 ? "none" : found.slice(0, 40).join(", ")}`,
    data: { row: row.number, field, found },
  });
}

/** The first of `names` that the row has with a value, and that value; undefined where it has none of them. */
export function findField(row: TaskRow, names: readonly string[]): { name: string; value: unknown } | undefined {
  for (const name of names) {
    const value = Object.hasOwn(row.values, name) ? row.values[name] : undefined;
    if (value !== undefined && value !== null) return { name, value };
  }
  return undefined;
}

/**
 * The text of the first of `names` that the row has; a number stands for its digits.
 *
 * @throws AppError "record-invalid" where none is there, or it is empty, no text or no finite number.
 */
export function textField(row: TaskRow, names: readonly string[], maxLength = MAX_FIELD_LENGTH): string {
  const found = findField(row, names);
  if (found === undefined) throw missingField(row, names);
  const { name, value } = found;
  const text = isFiniteNumber(value) || typeof value === "boolean" ? String(value) : value;
  if (typeof text !== "string") throw rowError(row, name, `expected text, found ${kindOf(value)}`);
  if (text.trim() === "") throw rowError(row, name, "empty");
  if (text.length > maxLength) throw rowError(row, name, `${text.length} characters exceed the limit of ${maxLength}`);
  return text;
}

/** The one of `names` that the row has, for a message; all of them where it has none. */
export function fieldName(row: TaskRow, names: readonly string[]): string {
  return findField(row, names)?.name ?? names.find((name) => Object.hasOwn(row.values, name)) ?? names.join(" or ");
}

function missingField(row: TaskRow, names: readonly string[]): AppError {
  const isNull = names.some((name) => Object.hasOwn(row.values, name));
  return rowError(row, fieldName(row, names), isNull ? "missing (null)" : "missing");
}

/** The text of a field that may be missing or blank; "" then. Throws as {@link textField} for what is no text. */
export function optionalTextField(row: TaskRow, names: readonly string[], maxLength = MAX_FIELD_LENGTH): string {
  const found = findField(row, names);
  const isBlank = found === undefined || (typeof found.value === "string" && found.value.trim() === "");
  return isBlank ? "" : textField(row, names, maxLength);
}

/**
 * A list of texts: a list as JSONL and Parquet hold it, or the JSON text of one as CSV does.
 *
 * @throws AppError "record-invalid" where it is missing or holds anything but texts.
 */
export function textListField(row: TaskRow, names: readonly string[]): readonly string[] {
  const { name, value } = jsonField(row, names);
  if (!Array.isArray(value)) throw rowError(row, name, `expected a list of texts, found ${kindOf(value)}`);
  return value.map((item: unknown, at) => {
    if (typeof item === "string") return item;
    throw rowError(row, `${name}[${at}]`, `expected text, found ${kindOf(item)}`);
  });
}

/**
 * A value that may be written as JSON in a text.
 *
 * @throws AppError "record-invalid" where it is missing, or text that is not JSON.
 */
export function jsonField(row: TaskRow, names: readonly string[]): { name: string; value: unknown } {
  const found = findField(row, names);
  if (found === undefined) throw missingField(row, names);
  if (typeof found.value !== "string") return found;
  if (found.value.length > MAX_FIELD_LENGTH)
    throw rowError(row, found.name, `${found.value.length} characters exceed the limit of ${MAX_FIELD_LENGTH}`);
  try {
    return { name: found.name, value: JSON.parse(found.value) };
  } catch {
    throw rowError(row, found.name, `no JSON: ${excerpt(found.value)}`);
  }
}

/** The fields named that hold a short text, a finite number or a boolean: what a breakdown may group by. */
export function metadataOf(row: TaskRow, names: readonly string[]): Record<string, string | number | boolean> {
  const metadata: Record<string, string | number | boolean> = {};
  for (const name of names) {
    const value = Object.hasOwn(row.values, name) ? row.values[name] : undefined;
    if (isFiniteNumber(value) || typeof value === "boolean") metadata[name] = value;
    else if (typeof value === "string" && value !== "" && value.length <= 200) metadata[name] = value;
  }
  return metadata;
}

/** Whether it is a number that JSON can hold: 1e999 in a JSON line is read as Infinity, and Parquet holds NaN. */
const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);

/** What kind of value it is, for a message. */
function kindOf(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : `a ${typeof value}`;
}

/** A text cut for a message. */
export function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
