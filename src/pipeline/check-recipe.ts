import type { z } from "zod";
import { AppError } from "../core/errors.ts";
import { chainFamilies } from "../questions/chain-families.ts";
import { families } from "../questions/families.ts";
import type { FamilyName } from "../schema/family-names.ts";
import { Recipe } from "../schema/recipe.ts";
import { type TrainingProblem, trainingProblems } from "./check-training.ts";
import { didYouMean } from "./near-names.ts";
import { namesAt } from "../schema/recipe-fields.ts";
import type { RecipeProblem } from "./recipe-text.ts";

/** Where a recipe came from, for messages. */
export interface RecipeOrigin {
  readonly name: string;
  /** Line and column of the field at a path; undefined where it stands nowhere in a file. */
  readonly locate?: (path: readonly PropertyKey[]) => { line: number; column: number } | undefined;
}

/**
 * The resolved recipe: every default filled in.
 *
 * @throws AppError "recipe-invalid" with every problem at once, in `data.problems` and one a line in the message.
 */
export function checkRecipe(value: unknown, origin: RecipeOrigin): Recipe {
  const parsed = Recipe.safeParse(value);
  const problems = parsed.success
    ? [...familyProblems(parsed.data), ...trainingProblems(parsed.data).map(located)]
    : parsed.error.issues.flatMap((issue) => describeIssue(issue, value));
  if (parsed.success && problems.length === 0) return parsed.data;
  const placed: RecipeProblem[] = problems.map(({ path, keys, message }) => ({
    path,
    message,
    ...origin.locate?.(keys),
  }));
  throw recipeInvalid(
    origin.name,
    placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
  );
}

/** One error for all problems. */
export function recipeInvalid(name: string, problems: readonly RecipeProblem[]): AppError {
  const lines = problems.map(({ path, message, line, column }) => {
    const place = line === undefined ? "" : `:${line}:${column}`;
    return `  ${name}${place}: ${path === "" ? "" : `${path}: `}${message}`;
  });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new AppError("recipe-invalid", `the recipe has ${count}\n${lines.join("\n")}`, {
    hint: "docs/recipe.md lists every field; `grappa schema recipe` prints the JSON Schema",
    data: { recipe: name, problems },
  });
}

/** More names than this are not listed in a message. */
const MAX_LISTED = 12;

const located = ({ keys, message }: TrainingProblem): LocatedProblem => ({
  path: keys.map(String).join("."),
  keys,
  message,
});

interface LocatedProblem {
  readonly path: string;
  readonly keys: readonly PropertyKey[];
  readonly message: string;
}

/** What families cannot do: levels that they do not have, the evaluation's among them; a teacher that does not know them. */
function familyProblems({ collect, evaluate, trace }: Recipe): LocatedProblem[] {
  const sources = collect.sources.flatMap((source, place) => (source.type === "family" ? [{ ...source, place }] : []));
  const problem = (keys: readonly PropertyKey[], family: FamilyName, [, highest]: readonly [number, number]) => {
    const levels = families[family].levels.length;
    const message = `family ${family} has levels 1 to ${levels}, found ${highest}; see grappa questions list`;
    return highest <= levels ? [] : [{ path: keys.map(String).join("."), keys, message }];
  };
  const unknown = sources.filter(
    ({ family }) => trace.teacher.type === "builtin" && !Object.hasOwn(chainFamilies, family),
  );
  return [
    ...unknown.map(({ place, family }) => {
      const keys = ["collect", "sources", place, "family"];
      const known = Object.keys(chainFamilies).join(" and ");
      return { path: keys.join("."), keys, message: `the built-in teacher knows ${known} alone, found ${family}` };
    }),
    ...sources.flatMap(({ place, family, difficulty }) =>
      problem(["collect", "sources", place, "difficulty"], family, difficulty),
    ),
    ...[...new Set(sources.map(({ family }) => family))].flatMap((family) =>
      problem(["evaluate", "difficulty"], family, evaluate.difficulty),
    ),
  ];
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): LocatedProblem[] {
  const at = (keys: readonly PropertyKey[], message: string): LocatedProblem => ({
    path: keys.map(String).join("."),
    keys,
    message,
  });
  if (issue.code === "unrecognized_keys") {
    const names = namesAt(issue.path, value);
    return issue.keys.map((key) => at([...issue.path, key], `unknown key${didYouMean(key, names)}`));
  }
  const found = valueAt(value, issue.path);
  if (found === undefined && issue.code === "invalid_type")
    return [at(issue.path, `missing; expected ${issue.expected}`)];
  if (issue.code === "invalid_value" && issue.values.length > MAX_LISTED) {
    const names = issue.values.map(String);
    const near = typeof found === "string" ? didYouMean(found, names) : "";
    return [
      at(
        issue.path,
        `not one of the ${names.length} known names${near}, found ${shorten(JSON.stringify(found) ?? "")}`,
      ),
    ];
  }
  return [at(issue.path, `${plainMessage(issue.message)}, found ${shorten(JSON.stringify(found) ?? "nothing")}`)];
}

function plainMessage(message: string): string {
  const text = message.replace(/^Invalid (input|option): /, "").replace(/, received .*$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path)
    current =
      typeof current === "object" && current !== null ? (current as Record<PropertyKey, unknown>)[step] : undefined;
  return current;
}
