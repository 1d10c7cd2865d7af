/**
 * @file A model behind `POST {baseUrl}/chat/completions`, or `/completions` where it is given text: DeepSeek, Together,
 * Fireworks, OpenRouter, vLLM, SGLang, llama.cpp, Ollama, LM Studio, and Grappa's own programmatic teacher.
 */
import type { ReasoningKind } from "../../schema/endpoint.ts";
import { completionBody, type TextPrompt } from "./completion-request.ts";
import { CompletionReader } from "./completion-reader.ts";
import { type ClientOptions, openClient } from "./provider-client.ts";
import type { Teacher } from "./teacher.ts";

export { readApiKey } from "./api-key.ts";
export { RETRY_COUNT_HEADER } from "./provider-client.ts";

/** Provider name of an endpoint that a recipe describes by URL. */
export const OPENAI_COMPATIBLE = "openai-compatible";

/** An endpoint; its base URL goes up to and including `/v1`, its key is sent as a bearer token. */
export interface OpenAICompatibleOptions extends Omit<ClientOptions, "provider"> {
  readonly provider?: string;
  /** What this endpoint's reasoning is; `raw` unless told. */
  readonly provenance?: ReasoningKind;
  /** How a cut reply can be gone on with; not at all unless told. */
  readonly continuation?: NonNullable<Teacher["continuation"]>;
  /** Asks for the completion of a text instead of a chat. */
  readonly text?: TextPrompt;
}

/**
 * Opens an endpoint; nothing is sent until it is asked.
 * @throws {AppError} `recipe-invalid`: the URL is not http(s), or carries a password or query; `usage`: an impossible key.
 */
export function openAICompatibleTeacher(options: OpenAICompatibleOptions): Teacher {
  const { provider = OPENAI_COMPATIBLE, model, provenance = "raw", continuation = "none", text } = options;
  return openClient(
    { ...options, provider },
    {
      reasoning: provenance,
      continuation,
      headers: (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
      lessStreaming: (streaming) => (streaming === "with-usage" ? "plain" : "none"),
      compose: (request, streaming) => ({
        path: text === undefined ? "/chat/completions" : "/completions",
        body: completionBody(request, { model, streaming, text, takesReasoningContent: isDeepSeek(options.baseUrl) }),
        reader: (context) => new CompletionReader({ ...context, provenance }, { text, goOnFrom: request.goOnFrom }),
      }),
    },
  );
}

const isDeepSeek = (baseUrl: string): boolean => /(^|\.)deepseek\.com$/.test(new URL(baseUrl).hostname);
