/** @file A direct API's request and reply without its connection: a batch holds the same bodies. */
import type { Provenance } from "../../../schema/records.ts";
import { anthropicRequest, wantsAdaptiveThinking } from "../anthropic.ts";
import { AnthropicReader } from "../anthropic-reader.ts";
import { readChatCompletion } from "../chat-completion.ts";
import { completionBody } from "../completion-request.ts";
import { geminiRequest } from "../gemini.ts";
import { GeminiReader } from "../gemini-reader.ts";
import { responsesRequest } from "../openai-responses.ts";
import { ResponsesReader } from "../openai-responses-reader.ts";
import type { ReplyContext } from "../reply-reader.ts";
import type { TeacherError, TeacherReply, TeacherRequest } from "../teacher.ts";

/** See the file's head. */
export interface BatchCodec {
  /** The request's body, as JSON text. */
  body(request: TeacherRequest): string;
  /** @throws {TeacherError} `malformed`: it was billed and cannot be used; `withheld`, `row-refused`: it never will be. */
  read(body: string, context: ReplyContext): TeacherReply;
  /** Learns from a refused row how this model wants to be asked; true where the row is worth another batch. */
  learn?(refused: TeacherError): boolean;
}

/** OpenAI's chat completions. */
export function chatCodec({
  model,
  provenance,
  called,
}: {
  model: string;
  provenance: Provenance;
  called: string;
}): BatchCodec {
  return {
    body: (request) =>
      JSON.stringify(
        completionBody(request, { model, streaming: "none", text: undefined, takesReasoningContent: false }),
      ),
    read: (body, context) => readChatCompletion(body, { ...context, provenance, called }),
  };
}

/** Gemini's native API. */
export function geminiCodec(called: string): BatchCodec {
  return {
    body: (request) => JSON.stringify(geminiRequest(request)),
    read: (body, context) => new GeminiReader({ ...context, called }).whole(body),
  };
}

/** Anthropic's messages. Newer models take no thinking budget: the first batch that is refused for one teaches that. */
export function anthropicCodec(model: string, called: string): BatchCodec {
  let isAdaptive = false;
  return {
    body: (request) => JSON.stringify(anthropicRequest(request, { model, isAdaptive })),
    read: (body, context) => new AnthropicReader({ ...context, called }).whole(body),
    learn: ({ message }) => {
      const isRefused = wantsAdaptiveThinking(message);
      isAdaptive ||= isRefused;
      return isRefused;
    },
  };
}

/** OpenAI's responses. */
export function responsesCodec(model: string, called: string): BatchCodec {
  return {
    body: (request) => JSON.stringify(responsesRequest(request, model)),
    read: (body, context) => new ResponsesReader({ ...context, called }).whole(body),
  };
}
