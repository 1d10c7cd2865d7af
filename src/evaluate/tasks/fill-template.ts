import { rowError, type TaskRow } from "./task-row.ts";

/** Longest text that a template may grow to. */
const MAX_FILLED_LENGTH = 1024 * 1024;

/**
 * A template with each `{column}` replaced by the row's text there; `{{` and `}}` stand for braces. What a column holds is
 * never looked at for placeholders again.
 *
 * @throws AppError "record-invalid" naming the column that the row lacks or that holds no finite number, or a brace that is not
 *   closed.
 */
export function fillTemplate(template: string, row: TaskRow, name: string): string {
  const filled = template.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (found, column: string | undefined) => {
    if (found === "{{" || found === "}}") return found.charAt(0);
    if (column === undefined) throw rowError(row, name, "a single brace; write {{ or }} for a brace");
    return columnText(row, column.trim(), name);
  });
  if (filled.length <= MAX_FILLED_LENGTH) return filled;
  throw rowError(row, name, `${filled.length} characters exceed the limit of ${MAX_FILLED_LENGTH}`);
}

function columnText(row: TaskRow, column: string, name: string): string {
  const value = Object.hasOwn(row.values, column) ? row.values[column] : undefined;
  if (value === undefined) throw rowError(row, column, `missing; ${name} names it`);
  if (value === null) return "";
  if (typeof value === "number" && !Number.isFinite(value))
    throw rowError(row, column, `expected text, found ${value}`);
  return typeof value === "string" ? value : JSON.stringify(value);
}
