/** @file Where a recipe's key files lie. */
import type { Endpoint } from "../schema/endpoint.ts";
import { isAsked, type Recipe } from "../schema/recipe.ts";

/** The recipe with the path of each key file as `rename` gives it. */
export function withKeyFiles(recipe: Recipe, rename: (path: string) => string): Recipe {
  const { attempt, trace, judge } = recipe;
  const { teacher } = trace;
  const renamed = <T extends Pick<Endpoint, "apiKeyFile">>(endpoint: T): T =>
    endpoint.apiKeyFile === undefined ? endpoint : { ...endpoint, apiKeyFile: rename(endpoint.apiKeyFile) };
  return {
    ...recipe,
    attempt: { ...attempt, students: attempt.students.map(renamed) },
    trace: {
      ...trace,
      teacher: isAsked(teacher) ? renamed(teacher) : teacher,
      escalate: trace.escalate.map(renamed),
    },
    ...(judge === undefined ? {} : { judge: renamed(judge) }),
  };
}
