/**
 * @file Google's Gemini API: `POST {baseUrl}/models/MODEL:streamGenerateContent`. Its thoughts come back as summaries.
 * Shapes: ai.google.dev/api/generate-content and /gemini-api/docs/thinking, read 2026-11.
 */
import { GeminiReader } from "./gemini-reader.ts";
import { type ClientOptions, openClient } from "./provider-client.ts";
import type { Teacher, TeacherRequest } from "./teacher.ts";

/** A model may think for minutes before its first summary. */
const IDLE_TIMEOUT_MS = 10 * 60_000;

/**
 * Opens the endpoint; nothing is sent until it is asked. The key travels in a header, never in the URL.
 * @throws {AppError} `recipe-invalid`: an impossible URL; `usage`: an impossible key.
 */
export function geminiTeacher(options: ClientOptions): Teacher {
  const path = geminiModelPath(options.model);
  return openClient(options, {
    reasoning: "summary",
    limits: { idleTimeoutMs: IDLE_TIMEOUT_MS },
    headers: geminiHeaders,
    compose: (request, streaming) => ({
      path: path + (streaming === "none" ? ":generateContent" : ":streamGenerateContent?alt=sse"),
      body: geminiRequest(request),
      reader: (context) => new GeminiReader(context),
    }),
  });
}

/** The key's header: never in the URL. */
export function geminiHeaders(apiKey: string | undefined): Readonly<Record<string, string>> {
  return apiKey === undefined ? {} : { "x-goog-api-key": apiKey };
}

/** The path of a model, below the base URL; its name may come with `models/` before it. */
export function geminiModelPath(model: string): string {
  return `/models/${encodeURIComponent(model.replace(/^models\//, ""))}`;
}

/** A request's body, the same streamed, whole and in a batch. */
export function geminiRequest({ messages, params, maxTokens }: TeacherRequest): Record<string, unknown> {
  const { temperature, topP, seed, thinkingBudget, effort } = params;
  // A budget of 0 turns thinking off, and thoughts that are not made must not be asked for.
  const thoughts = thinkingBudget === 0 ? {} : { includeThoughts: true };
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => ({ text: content }));
  const contents = messages
    .filter(({ role }) => role !== "system")
    .map(({ role, content }) => ({ role: role === "assistant" ? "model" : "user", parts: [{ text: content }] }));
  return {
    contents,
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
    generationConfig: {
      maxOutputTokens: maxTokens,
      temperature,
      topP,
      seed,
      thinkingConfig: { ...thoughts, thinkingBudget, thinkingLevel: effort },
    },
  };
}
