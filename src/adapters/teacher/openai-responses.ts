/**
 * @file OpenAI's Responses API: `POST {baseUrl}/responses`. Its reasoning is hidden, so it answers and grades. Shapes:
 * developers.openai.com/api/reference/resources/responses, read 2026-11.
 */
import { bearer } from "./api-key.ts";
import { ResponsesReader } from "./openai-responses-reader.ts";
import { type ClientOptions, openClient } from "./provider-client.ts";
import type { Teacher, TeacherRequest } from "./teacher.ts";

/** Nothing comes while a model reasons, and it may reason for long. */
const IDLE_TIMEOUT_MS = 45 * 60_000;

/**
 * Opens the endpoint; nothing is sent until it is asked.
 * @throws {AppError} `recipe-invalid`: an impossible URL; `usage`: an impossible key.
 */
export function openAIResponsesTeacher(options: ClientOptions): Teacher {
  const { model } = options;
  return openClient(options, {
    reasoning: "hidden",
    limits: { idleTimeoutMs: IDLE_TIMEOUT_MS },
    headers: bearer,
    compose: (request, streaming) => ({
      path: "/responses",
      body: { ...responsesRequest(request, model), ...(streaming === "none" ? {} : { stream: true }) },
      reader: (context) => new ResponsesReader(context),
    }),
  });
}

/** A request's body, the same whole and in a batch. The API takes no seed. */
export function responsesRequest(
  { messages, params, maxTokens }: TeacherRequest,
  model: string,
): Record<string, unknown> {
  const { temperature, topP, effort } = params;
  return {
    model,
    input: messages.map(({ role, content }) => ({ role, content })),
    max_output_tokens: maxTokens,
    temperature,
    top_p: topP,
    ...(effort === undefined ? {} : { reasoning: { effort } }),
    store: false, // nothing is to be kept at the provider
  };
}
