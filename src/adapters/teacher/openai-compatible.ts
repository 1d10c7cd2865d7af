/**
 * @file A model behind `POST {baseUrl}/chat/completions`, or `/completions` where it is given text: DeepSeek, Together,
 * Fireworks, OpenRouter, vLLM, SGLang, llama.cpp, Ollama, LM Studio, and Grappa's own programmatic teacher.
 */
import { bearer } from "./api-key.ts";
import type { ReasoningKind } from "../../schema/endpoint.ts";
import { completionBody, CONTROL_TEXT, type TextPrompt } from "./completion-request.ts";
import { CompletionReader } from "./completion-reader.ts";
import { type ClientOptions, openClient } from "./provider-client.ts";
import { type Teacher, TeacherError, type TeacherRequest } from "./teacher.ts";

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
  /** Asks for the completion of a text instead of a chat; where cut replies go on as `completions`, for that alone. */
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
      headers: bearer,
      lessStreaming: (streaming) => (streaming === "with-usage" ? "plain" : "none"),
      compose: (request, streaming) => {
        const form = continuation === "completions" && request.goOnFrom === undefined ? undefined : text;
        if (form !== undefined) refuseControlText(request);
        const takesReasoningContent = isDeepSeek(options.baseUrl);
        return {
          path: form === undefined ? "/chat/completions" : "/completions",
          body: completionBody(request, { model, streaming, text: form, takesReasoningContent }),
          reader: (context) =>
            new CompletionReader({ ...context, provenance }, { text: form, goOnFrom: request.goOnFrom }),
        };
      },
    },
  );
}

/** As text a question that spells a control token would end its own turn. */
function refuseControlText({ messages }: TeacherRequest): void {
  if (messages.some(({ content }) => CONTROL_TEXT.test(content)))
    throw new TeacherError("row-refused", "the question spells a control token, which cannot be sent as text");
}

const isDeepSeek = (baseUrl: string): boolean => /(^|\.)deepseek\.com$/.test(new URL(baseUrl).hostname);
