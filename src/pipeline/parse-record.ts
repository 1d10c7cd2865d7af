import type { z } from "zod";
import { AppError } from "../core/errors.ts";
import { refuseOtherVersion } from "../schema/record-version.ts";

/**
 * A whole file of JSON (a manifest, a result), checked against its schema; for lines of records see adapters/store/jsonl.
 *
 * @param where the file, for messages.
 * @throws AppError "schema-version" when the record carries another version than ours, naming both; "record-invalid"
 *   when it is not JSON or does not fit its schema.
 */
export function parseRecord<T>(text: string, schema: z.ZodType<T>, where: string): T {
  const value = parseJson(text, where);
  refuseOtherVersion(value, where);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError(
    "record-invalid",
    `${where}: ${issue?.path.join(".") || "record"}: ${issue?.message ?? "invalid"}`,
    {
      data: { where, problems: parsed.error.issues.length },
    },
  );
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("record-invalid", `${where}: not JSON (${text.length} characters)`, { cause, data: { where } });
  }
}
