/** @file Hidden tests that a question carries, as JSON in its metadata under `tests`; the code grader reads both shapes. */
import { z } from "zod";

/** Longest JSON of one question's tests, UTF-16 units. */
export const MAX_TESTS_LENGTH = 65_536;
const text = z.string().max(8_192);
const MAX_TESTS = 64;

/** Calls of a function: JSON arguments, one a line, and the expected JSON value; or runs with their standard input and output. */
export const CodeTests = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("calls"),
    entryPoint: z.string().regex(/^[A-Za-z_]\w{0,99}$/),
    preamble: text,
    tests: z
      .array(z.strictObject({ args: text, expected: text }))
      .min(1)
      .max(MAX_TESTS),
  }),
  z.strictObject({
    kind: z.literal("stdin"),
    tests: z
      .array(z.strictObject({ input: text, expected: text }))
      .min(1)
      .max(MAX_TESTS),
  }),
]);
export type CodeTests = z.infer<typeof CodeTests>;

/** The tests in a question's metadata; null where it carries none, or none that can be read. */
export function readCodeTests(metadata: Readonly<Record<string, unknown>>): CodeTests | null {
  const json = metadata.tests;
  if (typeof json !== "string" || json.length > MAX_TESTS_LENGTH) return null;
  try {
    return CodeTests.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null; // no JSON is no tests
  }
}
