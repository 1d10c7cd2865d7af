/** @file LiveCodeBench's private tests: JSON, or base64 of a zlib stream of a pickle of that JSON. */
import { readPickledText } from "./pickled-text.ts";
import type { ReadContext } from "./task-definition.ts";
import { rowError, type TaskRow } from "./task-row.ts";

/** Longest field of tests that is read, characters. */
export const MAX_TESTS_LENGTH = 192 * 1024 * 1024;

/** Largest that it may inflate to: what a text of JavaScript can hold, and some room. */
const MAX_INFLATED_BYTES = 400 * 1024 * 1024;

/** One test as the data states it. */
export interface StatedTest {
  readonly input: string;
  readonly output: string;
  readonly testtype: "stdin" | "functional";
}

/** Where the tests stand, for messages. */
export interface TestsPlace {
  readonly row: TaskRow;
  readonly field: string;
}

/** Tests as they were stored, in bytes: the tests of a whole set, unpacked, do not fit into memory. */
export interface PackedTests {
  readonly bytes: Uint8Array;
  readonly form: "json" | "pickle";
}

/** The tests of a field, packed. Throws "record-invalid" for what is neither a JSON list nor base64. */
export function packTests(text: string, { row, field }: TestsPlace): PackedTests {
  if (/^\s*\[/.test(text)) return { form: "json", bytes: new TextEncoder().encode(text) };
  if (/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) return { form: "pickle", bytes: fromBase64(text) };
  throw rowError(row, field, "neither a JSON list nor base64");
}

/**
 * The tests themselves.
 *
 * @throws AppError "record-invalid" for what is neither of the two forms, inflates past 400 MiB, or holds anything but tests.
 */
export function unpackTests(
  { bytes, form }: PackedTests,
  place: TestsPlace,
  { inflate }: Pick<ReadContext, "inflate">,
): readonly StatedTest[] {
  const json = form === "json" ? new TextDecoder().decode(bytes) : unpickle(bytes, place, inflate);
  return checkTests(parse(json, place), place);
}

function unpickle(bytes: Uint8Array, { row, field }: TestsPlace, inflate: ReadContext["inflate"]): string {
  let pickle: Uint8Array;
  try {
    pickle = inflate(bytes, MAX_INFLATED_BYTES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw rowError(row, field, `no zlib stream of at most ${MAX_INFLATED_BYTES} bytes: ${why}`);
  }
  const reading = readPickledText(pickle);
  if (reading.status === "ok") return reading.text;
  throw rowError(row, field, `not a pickle of one text: ${reading.reason}`);
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text.replace(/\s+/g, ""));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function parse(json: string, { row, field }: TestsPlace): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw rowError(row, field, "the tests are not JSON");
  }
}

function checkTests(value: unknown, { row, field }: TestsPlace): readonly StatedTest[] {
  if (!Array.isArray(value)) throw rowError(row, field, "expected a list of tests");
  return value.map((test: unknown, at) => {
    const { input, output, testtype } = (test ?? {}) as Partial<Record<keyof StatedTest, unknown>>;
    if (typeof input !== "string" || typeof output !== "string")
      throw rowError(row, `${field}[${at}]`, "expected the texts input and output");
    if (testtype !== "stdin" && testtype !== "functional")
      throw rowError(row, `${field}[${at}].testtype`, `expected stdin or functional, found ${String(testtype)}`);
    return { input, output, testtype };
  });
}
