/** @file A direct API's request and reply without its connection: a batch holds the same bodies. */
import type { Provenance } from "../../../schema/records.ts";
import { readChatCompletion } from "../chat-completion.ts";
import { completionBody } from "../completion-request.ts";
import type { TeacherReply, TeacherRequest } from "../teacher.ts";

/** What a reader must know beyond the body. */
export interface ReplyContext {
  /** UTF-8 bytes of the prompt, for an estimate where the provider reports no usage. */
  readonly promptBytes: number;
}

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
      completionBody(request, { model, streaming: "none", text: undefined, takesReasoningContent: false }),
    read: (body, { promptBytes }) => readChatCompletion(body, { promptBytes, provenance, called }),
  };
}
