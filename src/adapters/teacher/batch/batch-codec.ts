/** @file A direct API's request and reply without its connection: a batch holds the same bodies. */
import type { Provenance } from "../../../schema/records.ts";
import { anthropicRequest } from "../anthropic.ts";
import { AnthropicReader } from "../anthropic-reader.ts";
import { readChatCompletion } from "../chat-completion.ts";
import { completionBody } from "../completion-request.ts";
import { geminiRequest } from "../gemini.ts";
import { GeminiReader } from "../gemini-reader.ts";
import { responsesRequest } from "../openai-responses.ts";
import { ResponsesReader } from "../openai-responses-reader.ts";
import type { ReplyContext } from "../reply-reader.ts";
import type { TeacherReply, TeacherRequest } from "../teacher.ts";

/** See the file's head. */
export interface BatchCodec {
  /** The request's body, as JSON text. */
  body(request: TeacherRequest): string;
  /** @throws {TeacherError} `malformed`: it was billed and cannot be used; `row-refused`: it never will be. */
  read(body: string, context: ReplyContext): TeacherReply;
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
    read: (body, { promptBytes }) => readChatCompletion(body, { promptBytes, provenance, called }),
  };
}

/** Gemini's native API. */
export function geminiCodec(called: string): BatchCodec {
  return {
    body: (request) => JSON.stringify(geminiRequest(request)),
    read: (body, context) => new GeminiReader({ ...context, called }).whole(body),
  };
}

/** Anthropic's messages. A batch cannot ask again, so the model must take a thinking budget if one is set. */
export function anthropicCodec(model: string, called: string): BatchCodec {
  return {
    body: (request) => JSON.stringify(anthropicRequest(request, { model, isAdaptive: false })),
    read: (body, context) => new AnthropicReader({ ...context, called }).whole(body),
  };
}

/** OpenAI's responses. */
export function responsesCodec(model: string, called: string): BatchCodec {
  return {
    body: (request) => JSON.stringify(responsesRequest(request, model)),
    read: (body, context) => new ResponsesReader({ ...context, called }).whole(body),
  };
}
