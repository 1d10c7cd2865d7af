/** @file What every launcher refuses before it does anything: names and paths that could lead elsewhere. */
import { AppError } from "../../core/errors.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_PATH = 1024;

/**
 * The name of a job, as it came: it becomes part of folders, ids and commands.
 *
 * @throws AppError "usage" where it is not 1 to 40 letters, digits and dashes, beginning with a letter or digit
 */
export function checkedJobName(name: string): string {
  if (NAME.test(name)) return name;
  throw new AppError("usage", `${JSON.stringify(name.slice(0, 60))} is no name for a job`, {
    hint: "a name has at most 40 letters, digits and dashes, and begins with a letter or digit",
    data: { name },
  });
}

/**
 * Parts of a path with slashes below a job's folder.
 *
 * @throws AppError "usage" for one that is absolute, empty, or has empty, `.` or `..` parts, backslashes or control characters
 */
export function checkedJobPath(path: string): string[] {
  const parts = path.split("/");
  const isPlain = (part: string): boolean => part !== "" && part !== "." && part !== ".." && !/[\\\p{Cc}]/u.test(part);
  if (path.length <= MAX_PATH && parts.every(isPlain) && !/^[A-Za-z]:/.test(path)) return parts;
  throw new AppError("usage", `${JSON.stringify(path.slice(0, 200))} is no path below a job's folder`, {
    hint: "give a relative path with slashes, without . and ..",
    data: { path },
  });
}

/**
 * A job's variables, as they came.
 *
 * @throws AppError "usage" for a name that no shell takes, or a value with a NUL
 */
export function checkedEnvironment(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(environment)) {
    if (!VARIABLE.test(name)) throw new AppError("usage", `${JSON.stringify(name.slice(0, 60))} names no variable`);
    if (value.includes("\0")) throw new AppError("usage", `the variable ${name} holds a NUL byte`);
  }
  return environment;
}
