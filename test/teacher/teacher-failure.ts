import { expect } from "vitest";
import { TeacherError } from "../../src/adapters/teacher/teacher.ts";

/** The error that asking a teacher must end with. */
export async function failure(promise: Promise<unknown>): Promise<TeacherError> {
  const error = await promise.then(
    (value) => value,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(TeacherError);
  return error as TeacherError;
}
