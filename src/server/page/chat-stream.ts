/** @file A question to a student over HTTP: the body is checked, the reply streams, and is given up when its reader leaves. */
import type { IncomingMessage } from "node:http";
import { AppError } from "../../core/errors.ts";
import { type ChatEvents, ChatQuestion } from "../../report/page/chat-api.ts";
import type { PageFault } from "../../report/page/page-api.ts";
import { ApiError } from "../openai/api-error.ts";
import { readBody } from "../read-body.ts";
import { KEEP_ALIVE, KEEP_ALIVE_MS } from "./page-stream.ts";
import type { StudentChats } from "./student-chats.ts";

/** The longest question in JSON, every character escaped. */
const MOST_BODY_BYTES = 160_000;

/** The question in a request's body. Throws "usage" or "limit-exceeded" where it is none. */
export async function readQuestion(request: IncomingMessage): Promise<ChatQuestion> {
  const text = await readBody(request, MOST_BODY_BYTES).catch((error: unknown) => {
    if (error instanceof ApiError) throw new AppError("usage", error.message, { cause: error });
    throw error;
  });
  const { success, data, error } = ChatQuestion.safeParse(jsonOf(text));
  if (success) return data;
  const [issue] = error.issues;
  throw new AppError("usage", `the question is not one: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("usage", "the body is not JSON", { cause });
  }
}

/** How to answer. */
export interface ChatStreamOptions {
  readonly chats: Pick<StudentChats, "reply">;
  readonly run: string;
  readonly question: ChatQuestion;
  /** Ends the reply. */
  readonly signal: AbortSignal;
  readonly faultOf: (error: unknown) => PageFault;
  /** Called once when it has ended, however. */
  readonly onEnd: () => void;
}

/** The reply as server-sent events. */
export function streamReply(options: ChatStreamOptions): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  return new ReadableStream<Uint8Array>({
    start: (controller) => void stream(controller, { ...options, signal }),
    cancel: () => left.abort(),
  });
}

async function stream(
  controller: ReadableStreamDefaultController<Uint8Array>,
  { chats, run, question, signal, faultOf, onEnd }: ChatStreamOptions,
): Promise<void> {
  const encoder = new TextEncoder();
  const send = (text: string): void => {
    if (!signal.aborted) controller.enqueue(encoder.encode(text));
  };
  const write = (type: keyof ChatEvents | "fault", value: unknown): void =>
    send(`event: ${type}\ndata: ${JSON.stringify(value)}\n\n`);
  // A question waits for minutes behind others, and a student thinks as long over its prompt.
  const keepAlive = setInterval(() => send(KEEP_ALIVE), KEEP_ALIVE_MS);
  try {
    const reply = await chats.reply(run, question, {
      signal,
      onState: (state) => write("state", state),
      onPiece: (piece) => write("piece", piece),
    });
    const { thinkingTokens, answerTokens, forcedTokens, end } = reply;
    write("end", { thinkingTokens, answerTokens, forcedTokens, end } satisfies ChatEvents["end"]);
  } catch (error) {
    if (!signal.aborted) write("fault", faultOf(error));
  } finally {
    clearInterval(keepAlive);
    onEnd();
    try {
      controller.close();
    } catch {
      // The reader is gone: it was closed for us.
    }
  }
}
