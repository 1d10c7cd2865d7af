/** @file A user's task file, .json with comments or a module's default export, checked with every problem at once. */
import { dirname, extname, resolve } from "node:path";
import { z } from "zod";
import { nodeFileSystem } from "../adapters/file-system.ts";
import { importDefault } from "../adapters/import-module.ts";
import { AppError } from "../core/errors.ts";
import type { FunctionVerifier } from "../evaluate/tasks/define-task.ts";
import type { UserTask } from "../evaluate/tasks/user-task.ts";
import { TaskFile, TaskFileBase } from "../schema/task-file.ts";
import { parseRecipeText, type RecipeProblem } from "./recipe-text.ts";

const MAX_TASK_BYTES = 1024 * 1024;
const JSON_ENDINGS = [".json", ".jsonc"];
const MODULE_ENDINGS = [".js", ".mjs"];

/** A task file that has been read. */
export interface LoadedTaskFile {
  readonly task: UserTask;
  /** Folder that the task's data path is seen from. */
  readonly folder: string;
}

/** Whether a task's name is the path of a task file. */
export function isTaskFile(name: string): boolean {
  return [...JSON_ENDINGS, ...MODULE_ENDINGS].includes(extname(name).toLowerCase());
}

/**
 * Reads a task file. A module is run: only for files that the user names.
 *
 * @throws AppError "recipe-invalid" with every problem, by line and column where it is JSON; "file-missing".
 */
export async function loadTaskFile(name: string, workingFolder: string): Promise<LoadedTaskFile> {
  const path = resolve(workingFolder, name);
  const isModule = MODULE_ENDINGS.includes(extname(path).toLowerCase());
  const task = isModule ? checkModule(name, await importTask(path)) : await readJson(name, path);
  return { task, folder: dirname(path) };
}

async function readJson(name: string, path: string): Promise<UserTask> {
  const { value, problems, locate } = parseRecipeText(await nodeFileSystem().readText(path, MAX_TASK_BYTES));
  if (problems.length > 0) throw taskInvalid(name, problems);
  const parsed = TaskFile.safeParse(value);
  if (parsed.success) return parsed.data;
  throw taskInvalid(
    name,
    parsed.error.issues.flatMap(problemsOf).map(({ keys, ...problem }) => ({ ...problem, ...locate(keys) })),
  );
}

async function importTask(path: string): Promise<unknown> {
  if ((await nodeFileSystem().kind(path)) !== "file")
    throw new AppError("file-missing", `${path}: there is no such file`);
  const value = await importDefault(path);
  if (typeof value === "object" && value !== null) return value;
  throw new AppError("recipe-invalid", `${path}: its default export is no task`, {
    hint: "export default defineTask({ ... })",
  });
}

const FunctionPart = z.strictObject({
  type: z.literal("function"),
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
  version: z.string().min(1).max(40),
  verify: z.custom<FunctionVerifier["verify"]>((value) => typeof value === "function", "expected a function"),
});

function checkModule(name: string, value: unknown): UserTask {
  const { verifier, ...rest } = value as { verifier?: { type?: unknown } };
  const isFunction = verifier?.type === "function";
  const base = (isFunction ? TaskFileBase.extend({ verifier: FunctionPart }) : TaskFile).safeParse({
    ...rest,
    verifier,
  });
  if (base.success) return base.data;
  throw taskInvalid(name, base.error.issues.flatMap(problemsOf));
}

/** What is wrong, and where; each unknown key by itself. */
function problemsOf(issue: z.core.$ZodIssue): (RecipeProblem & { readonly keys: readonly PropertyKey[] })[] {
  const at = (keys: readonly PropertyKey[], message: string) => ({ keys, path: keys.map(String).join("."), message });
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => at([...issue.path, key], "unknown key"));
  return [at(issue.path, issue.message)];
}

function taskInvalid(name: string, problems: readonly RecipeProblem[]): AppError {
  const lines = problems.map(({ path, message, line, column }) => {
    const place = line === undefined ? "" : `:${line}:${column}`;
    return `  ${name}${place}: ${path === "" ? "" : `${path}: `}${message}`;
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new AppError("recipe-invalid", `the task file has ${count}\n${lines.join("\n")}`, {
    hint: "docs/your-domain.md explains every field; `grappa schema task` prints the JSON Schema",
    data: { task: name, problems },
  });
}
