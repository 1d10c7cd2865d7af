import { expect } from "vitest";
import { TeacherError } from "../../src/adapters/teacher/teacher.ts";
import { AppError } from "../../src/core/errors.ts";

/** The error that asking a teacher must end with. */
export async function failure(promise: Promise<unknown>): Promise<TeacherError> {
  const error = await thrown(promise);
  expect(error).toBeInstanceOf(TeacherError);
  return error as TeacherError;
}

/** The error that buying must end with. */
export async function appFailure(promise: Promise<unknown>): Promise<AppError> {
  const error = await thrown(promise);
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
