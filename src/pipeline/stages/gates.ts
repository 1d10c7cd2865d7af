/** @file What would stop a recipe's models, found before anything is spent: keys, prices, the cap, provenance, terms of use. */
import { openEndpoint } from "../../adapters/teacher/open-endpoint.ts";
import { termsGate } from "../../adapters/teacher/terms-of-use.ts";
import { AppError } from "../../core/errors.ts";
import { endpointPrice } from "../../ledger/endpoint-price.ts";
import { formatUsd, microUsdFromUsd } from "../../ledger/money.ts";
import { tokenCost } from "../../ledger/price-book.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import { isAsked, type Recipe } from "../../schema/recipe.ts";
import { oneObstacle } from "../obstacles.ts";
import { reasoningOf } from "./ask-teachers.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/** The recipe's teachers that are endpoints, in the order in which they are asked. */
export function teacherEndpoints({ trace }: Pick<Recipe, "trace">): Endpoint[] {
  const { teacher, escalate } = trace;
  return isAsked(teacher) ? [teacher, ...escalate] : [...escalate];
}

/**
 * Throws everything at once that would stop a recipe's teachers. Sends nothing; starts nothing.
 *
 * @throws AppError "usage": a key is not set, or terms were not accepted; "recipe-invalid": a price is not known, or the
 *   reasoning is of a kind that the recipe does not take; "budget-exceeded": one reply of full length may cost more than the cap.
 */
export function checkTeachers(recipe: Pick<Recipe, "trace" | "maxUsd">, world: TeacherWorld): void {
  const teachers = teacherEndpoints(recipe);
  throwAll([
    ...recordedObstacles(recipe),
    ...teachers.flatMap((teacher) => provenanceObstacle(teacher, recipe)),
    ...termsObstacles(teachers, world.acceptedTerms),
    ...teachers.flatMap((teacher) => obstaclesOf(teacher, recipe, { world, called: "the teacher" })),
  ]);
}

/** The same for other models than teachers: their replies are not trained on, so only keys, prices and the cap count. */
export function checkAsked(
  endpoints: readonly { readonly endpoint: Endpoint; readonly called: string }[],
  recipe: Pick<Recipe, "maxUsd">,
  world: TeacherWorld,
): void {
  throwAll(endpoints.flatMap(({ endpoint, called }) => obstaclesOf(endpoint, recipe, { world, called })));
}

function throwAll(obstacles: readonly AppError[]): void {
  const one = oneObstacle(obstacles);
  if (one !== undefined) throw one;
}

function obstaclesOf(
  endpoint: Endpoint,
  { maxUsd }: Pick<Recipe, "maxUsd">,
  { world, called }: { readonly world: TeacherWorld; readonly called: string },
): AppError[] {
  return [
    ...obstacleOf(() => void openEndpoint(endpoint, world, called).close()),
    ...obstacleOf(() => refuseSmallCap(endpoint, maxUsd, world)),
  ];
}

function refuseSmallCap(endpoint: Endpoint, maxUsd: number, { prices }: TeacherWorld): void {
  const { maxTokens } = endpoint;
  const price = endpointPrice(endpoint, { overrides: prices });
  const worstCase = tokenCost(price, { promptTokens: 0, completionTokens: maxTokens });
  const cap = microUsdFromUsd(maxUsd);
  if (worstCase <= cap) return;
  throw new AppError(
    "budget-exceeded",
    `one reply of ${maxTokens} tokens from ${describeEndpoint(endpoint)} may cost ${formatUsd(worstCase)}, and maxUsd allows ${formatUsd(cap)}`,
    {
      hint: "raise maxUsd, or lower maxTokens of that endpoint",
      data: { worstCaseMicroUsd: worstCase, capMicroUsd: cap },
    },
  );
}

/** What is written down already cannot be asked again, and is taken for what the recipe says it is. */
function recordedObstacles({ trace: { teacher, escalate, allowSummaries } }: Pick<Recipe, "trace">): AppError[] {
  if (teacher.type !== "recorded") return [];
  const isTaken = teacher.reasoning === "raw" || allowSummaries;
  return [
    ...(escalate.length === 0
      ? []
      : [new AppError("recipe-invalid", "trace.escalate: recorded traces have no dearer teacher behind them")]),
    ...(isTaken
      ? []
      : [
          new AppError(
            "recipe-invalid",
            `the recorded reasoning is ${teacher.reasoning}, and the recipe asks for raw`,
            {
              hint: "set trace.allowSummaries to true: every row then says what it is",
            },
          ),
        ]),
  ];
}

function provenanceObstacle(teacher: Endpoint, { trace }: Pick<Recipe, "trace">): AppError[] {
  const reasoning = reasoningOf(teacher);
  if (reasoning === "raw" || (reasoning !== "hidden" && trace.allowSummaries)) return [];
  const name = describeEndpoint(teacher);
  const data = { reasoning, teacher: name };
  if (reasoning === "hidden")
    return [
      new AppError("recipe-invalid", `${name} hides its reasoning: there would be nothing to learn from`, {
        hint: "use it as a reference student or judge, and another model as teacher",
        data,
      }),
    ];
  const what =
    reasoning === "summary" ? "gives only summaries of its thoughts" : "gives thinking that it was asked for";
  return [
    new AppError("recipe-invalid", `${name} ${what}, and the recipe asks for raw reasoning`, {
      hint: "choose a teacher with open reasoning, or set trace.allowSummaries to true (--allow-summaries): every row then says what it is",
      data,
    }),
  ];
}

function termsObstacles(teachers: readonly Endpoint[], accepted: readonly string[]): AppError[] {
  return termsGate(teachers, accepted).map(
    ({ terms: { provider, clause, source }, message, hint }) =>
      new AppError("usage", message, { hint, data: { provider, clause, source } }),
  );
}

function obstacleOf(check: () => void): AppError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof AppError) return [error];
    throw error;
  }
}
