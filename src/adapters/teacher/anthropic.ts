/**
 * @file Anthropic's Messages API: `POST {baseUrl}/messages`. Its thinking comes back summarised, or not at all. Shapes:
 * platform.claude.com/docs/en/api/messages and /build-with-claude/extended-thinking, read 2026-11.
 */
import { AnthropicReader } from "./anthropic-reader.ts";
import { type ClientOptions, openClient } from "./provider-client.ts";
import { type Teacher, TeacherError, type TeacherRequest } from "./teacher.ts";

/** The one version that there is; the API wants it named. */
const ANTHROPIC_VERSION = "2023-06-01";

/** Pings come in between; this is for a server that is gone. */
const IDLE_TIMEOUT_MS = 10 * 60_000;

/** An endpoint. */
export interface AnthropicOptions extends ClientOptions {
  /** Whether it is asked to think; what each request's parameters say decides how much. */
  readonly isThinking: boolean;
}

/**
 * Opens the endpoint; nothing is sent until it is asked.
 * @throws {AppError} `recipe-invalid`: an impossible URL; `usage`: an impossible key.
 */
export function anthropicTeacher(options: AnthropicOptions): Teacher {
  const { model, isThinking } = options;
  let isAdaptive = false;
  return openClient(options, {
    reasoning: isThinking ? "summary" : "hidden",
    limits: { idleTimeoutMs: IDLE_TIMEOUT_MS },
    headers: anthropicHeaders,
    compose: (request, streaming) => ({
      path: "/messages",
      body: { ...anthropicRequest(request, { model, isAdaptive }), ...(streaming === "none" ? {} : { stream: true }) },
      reader: (context) => new AnthropicReader(context),
    }),
    learn: ({ status, body }) => {
      const isRefused = status === 400 && wantsAdaptiveThinking(body);
      isAdaptive ||= isRefused; // many are in flight when the first is refused: each is worth sending once more
      return isRefused;
    },
  });
}

/** Version and key. */
export function anthropicHeaders(apiKey: string | undefined): Readonly<Record<string, string>> {
  return { "anthropic-version": ANTHROPIC_VERSION, ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) };
}

/**
 * Whether a refusal says that the model takes no thinking budget: those from Claude 4.7 on choose themselves how much they
 * think, within max_tokens.
 */
export function wantsAdaptiveThinking(refusal: string): boolean {
  return refusal.includes("thinking.type.enabled");
}

/**
 * A request's body, the same whole and in a batch.
 * @throws {TeacherError} `run-refused`: no token would be left for the answer.
 */
export function anthropicRequest(
  { messages, params, maxTokens }: TeacherRequest,
  { model, isAdaptive }: { readonly model: string; readonly isAdaptive: boolean },
): Record<string, unknown> {
  const { temperature, topP, thinkingBudget } = params;
  if (thinkingBudget !== undefined && thinkingBudget >= maxTokens) {
    throw new TeacherError(
      "run-refused",
      `a thinking budget of ${thinkingBudget} leaves nothing of ${maxTokens} tokens`,
      {
        hint: "raise maxTokens above thinkingBudget: it caps thinking and answer together",
        data: { thinkingBudget, maxTokens },
      },
    );
  }
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const mode = isAdaptive ? { type: "adaptive" } : { type: "enabled", budget_tokens: thinkingBudget };
  return {
    model,
    max_tokens: maxTokens,
    ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
    messages: messages.filter(({ role }) => role !== "system").map(({ role, content }) => ({ role, content })),
    temperature,
    top_p: topP,
    // Newer models leave the text of their thinking out unless asked for the summary.
    ...(thinkingBudget === undefined ? {} : { thinking: { ...mode, display: "summarized" } }),
  };
}
