import type { Endpoint } from "../../../schema/endpoint.ts";
import type { HostedStudent, Recipe } from "../../../schema/recipe.ts";

/** The base behind the provider's chat completions. */
export function baseEndpoint({ student }: Pick<Recipe, "student">): Endpoint {
  const { baseUrl, apiKeyEnv, maxTokens, concurrency, price } = student.hosted as HostedStudent;
  return {
    type: "openai-compatible",
    name: "base",
    baseUrl,
    apiKeyEnv,
    model: student.base,
    maxTokens,
    temperature: 0,
    reasoning: "raw",
    continuation: "none",
    limits: { concurrency },
    ...(price === undefined ? {} : { price }),
  };
}
