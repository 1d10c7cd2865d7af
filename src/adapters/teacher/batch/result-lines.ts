/** @file Lines of a file of results, each a JSON object that names its request. */
import type { z } from "zod";
import type { BoundedLine } from "../../store/bounded-lines.ts";
import { excerptOf } from "../excerpt.ts";
import { parseJson } from "../json-fields.ts";
import { refusal } from "../provider-fault.ts";
import { TeacherError } from "../teacher.ts";
import type { BatchRow } from "./batch-provider.ts";

/** How a file's lines are read. */
export interface LineReading<T> {
  readonly schema: z.ZodType<T>;
  rowOf(line: T): BatchRow;
  /** Takes the key out of a text, should a provider say it back: a reply goes into the journal. */
  redact(text: string): string;
}

/**
 * The rows of some lines. A line that is too long, not JSON or of another shape is `unreadable`: it may hide a reply that
 * was paid for, so it is told, not skipped.
 */
export function readRows<T>(lines: readonly BoundedLine[], { schema, rowOf, redact }: LineReading<T>): BatchRow[] {
  return lines.flatMap(({ bytes, sizeBytes, number }): BatchRow[] => {
    if (bytes === null) return [{ type: "unreadable", detail: `result line ${number} is ${sizeBytes} bytes long` }];
    const text = redact(bytes.toString("utf8"));
    if (text.trim() === "") return [];
    const line = schema.safeParse(jsonWithout(redact, text));
    if (line.success) return [rowOf(line.data)];
    return [{ type: "unreadable", detail: `result line ${number} is of no known shape: ${excerptOf(text)}` }];
  });
}

/** A line's JSON, in which no letter of the key is hidden by an escape. */
function jsonWithout(redact: (text: string) => string, text: string): unknown {
  const value = parseJson(text);
  return value !== undefined && text.includes("\\u") ? parseJson(redact(JSON.stringify(value))) : value;
}

/**
 * An answer of the API, checked.
 *
 * @param api which one, for the error.
 * @throws {TeacherError} `broken`: it is not what the API promises; whatever was asked for may have happened.
 */
export function parseAnswer<T>(schema: z.ZodType<T>, value: unknown, what: string, api = "batch API"): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join(".") || "body";
  throw new TeacherError("broken", `the ${api} answered with something that is not ${what} (${where})`);
}

/** A row that the API refused with an HTTP status, judged as the direct client judges: not billed. */
export function refusedRow(id: string, status: number, body: string): BatchRow {
  const response = { status, header: () => undefined, body };
  return { type: "refused", id, error: refusal(response, { called: "the batch", nowMs: 0 }) };
}
