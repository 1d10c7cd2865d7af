/** @file One request answered: collected into one reply, or streamed as server-sent events. */
import type { ServerResponse } from "node:http";
import { EventWriter } from "./event-writer.ts";
import type { AnswerScore } from "./answer-scores.ts";
import type { Metrics } from "./metrics.ts";
import { ApiError, apiErrorOf, isOwnFailure } from "./openai/api-error.ts";
import type { WantedReply } from "./openai/chat-request.ts";
import { type ChunkMaker, type CollectedChoice, type ReplyHead, usageOf } from "./openai/replies.ts";
import type { ReplyEnd, ReplyListener } from "./choice-teller.ts";
import type { PreparedReply } from "./served-model.ts";

/** How a route writes its replies. */
export interface ReplyForm {
  whole(head: ReplyHead, choices: readonly CollectedChoice[], usage: object): object;
  chunks(head: ReplyHead): ChunkMaker;
}

/** A request that was read and found good. */
export interface AnswerableRequest {
  readonly prepared: PreparedReply;
  readonly wanted: WantedReply;
  readonly caller: string;
  readonly head: ReplyHead;
  readonly form: ReplyForm;
  readonly metrics: Metrics;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly maxSeconds: number;
  /** Aborts when the client leaves or the server ends. */
  readonly signal: AbortSignal;
  readonly onFailure: (error: unknown) => void;
}

/** A line that keeps a stream open while nothing comes: some proxies close silent ones. */
const KEEP_ALIVE_MS = 15_000;

/** The whole reply. Throws ApiError. */
export async function collectReply(request: AnswerableRequest): Promise<object> {
  const { prepared, wanted, form, head } = request;
  const choices = Array.from(
    { length: wanted.choices },
    (): CollectedChoice & { scores: AnswerScore[] | undefined } => ({
      thinking: "",
      answer: "",
      scores: wanted.topLogprobs === undefined ? undefined : [],
      end: undefined,
    }),
  );
  const ends: ReplyEnd[] = [];
  await decode(request, {
    onPiece: ({ choice, part, text, scores = [] }) => {
      const collected = choices[choice];
      if (collected === undefined) return;
      collected[part] += text;
      collected.scores?.push(...scores);
    },
    onEnd: (end) => {
      const collected = choices[end.choice];
      if (collected !== undefined) collected.end = end;
      ends.push(end);
    },
  });
  return form.whole(head, choices, usageOf(prepared, ends));
}

/** The reply as server-sent events on Node's response; an error after the first of them is an event of its own. */
export async function streamReply(request: AnswerableRequest, response: ServerResponse): Promise<void> {
  const { prepared, wanted, form, head } = request;
  const events = new EventWriter(response);
  const keepAlive = setInterval(() => events.write(": waiting\n\n"), KEEP_ALIVE_MS);
  keepAlive.unref();
  const chunks = form.chunks(head);
  const ends: ReplyEnd[] = [];
  try {
    for (let choice = 0; choice < wanted.choices; choice++) events.open(chunks.open(choice));
    await decode(request, {
      onPiece: (piece) => events.send(chunks.piece(piece)),
      onEnd: (end) => {
        ends.push(end);
        events.send(chunks.end(end));
      },
    });
    if (wanted.withUsage) events.send(chunks.usage(usageOf(prepared, ends)));
    events.write("data: [DONE]\n\n");
  } catch (error) {
    const answer = apiErrorOf(error);
    if (isOwnFailure(answer)) request.onFailure(error);
    events.send(answer.body);
  } finally {
    clearInterval(keepAlive);
    events.end();
  }
}

/** Runs the reply under the time limit, and counts it. */
async function decode(
  { prepared, caller, metrics, now, maxSeconds, signal }: AnswerableRequest,
  listener: ReplyListener,
): Promise<void> {
  const started = now();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), maxSeconds * 1000);
  // Passed on by hand: AbortSignal.any takes 25 us, and each request has some already.
  const leave = (): void => late.abort(signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  let isFirst = true;
  const counting: ReplyListener = {
    onPiece: (piece) => {
      if (isFirst) metrics.firstPiece((now() - started) / 1000);
      isFirst = false;
      listener.onPiece(piece);
    },
    onEnd: (end) => {
      metrics.end(end);
      listener.onEnd(end);
    },
  };
  try {
    await prepared.run(counting, { signal: late.signal, caller });
    metrics.whole((now() - started) / 1000);
  } catch (error) {
    if (late.signal.aborted && !signal.aborted)
      throw new ApiError(504, `the reply took longer than ${maxSeconds} s`, { code: "timeout", type: "timeout" });
    if (signal.aborted) metrics.givenUp();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
  }
}
