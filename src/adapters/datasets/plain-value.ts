/** @file Values of a data file as plain ones: what JSON can hold, bounded in depth, without keys that have a meaning of their own. */

/** Deeper than any row of a data set. */
const MAX_DEPTH = 32;

/** Why a value is refused. */
export class PlainValueError extends Error {}

/**
 * The value as JSON would hold it: whole numbers of 64 bits as numbers, or as digits where a number cannot hold them; dates
 * as ISO text; bytes as UTF-8 text.
 *
 * @throws PlainValueError for what is nested too deep, a `__proto__` key, dates that are none, bytes that are no UTF-8, and functions
 *   or symbols.
 */
export function plainValue(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new PlainValueError(`nested deeper than ${MAX_DEPTH}`);
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value === undefined || value === null) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Date) return isoText(value);
  if (value instanceof Uint8Array) return utf8(value);
  if (Array.isArray(value)) return value.map((item: unknown) => plainValue(item, depth + 1));
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<unknown>, (item) => plainValue(item, depth + 1));
  if (typeof value === "object") return plainRecord(value, depth);
  throw new PlainValueError(`a ${typeof value} is no value of a data set`);
}

/** An object's own members as plain values. Throws as {@link plainValue}. */
export function plainRecord(value: object, depth = 0): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === "__proto__") throw new PlainValueError("a field called __proto__");
    result[key] = plainValue(member, depth + 1);
  }
  return result;
}

/** Parquet's 64 bits of milliseconds reach further than a calendar does. */
function isoText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new PlainValueError("a date that no calendar has");
  return date.toISOString();
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new PlainValueError("bytes that are no UTF-8 text");
  }
}
