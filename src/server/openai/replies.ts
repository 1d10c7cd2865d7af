/** @file Replies in OpenAI's shape: whole, and in chunks for a stream. Pure. */
import type { AnswerScore, ScoredText } from "../answer-scores.ts";
import type { ReplyEnd, ReplyPiece } from "../choice-teller.ts";
import type { PreparedReply } from "../served-model.ts";

/** What all parts of one reply carry. */
export interface ReplyHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
}

/** Text and end of one choice. */
export interface CollectedChoice {
  thinking: string;
  answer: string;
  /** undefined where they were not asked for. */
  scores: readonly AnswerScore[] | undefined;
  end: ReplyEnd | undefined;
}

/** Tokens of a request and its reply; reasoning is part of the completion, as OpenAI counts. */
export function usageOf({ promptTokens }: Pick<PreparedReply, "promptTokens">, ends: readonly ReplyEnd[]): object {
  const sum = (pick: (end: ReplyEnd) => number): number => ends.reduce((total, end) => total + pick(end), 0);
  const completion = sum(({ completionTokens }) => completionTokens);
  const reused = ends.flatMap(({ reusedTokens }) => reusedTokens ?? []);
  // Several choices have one prompt: of it was reused what none of them had to compute.
  const isReuseKnown = reused.length > 0 && reused.length === ends.length;
  return {
    prompt_tokens: promptTokens,
    ...(isReuseKnown ? { prompt_tokens_details: { cached_tokens: Math.min(...reused) } } : {}),
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    completion_tokens_details: { reasoning_tokens: sum(({ thinkingTokens }) => thinkingTokens) },
  };
}

/** What only Grappa tells: how thinking ended, how many ids were not the model's own, and what was tried and thrown away. */
const grappaOf = ({ end, thinkingTokens, forcedTokens, rejection }: ReplyEnd): object => ({
  thinking_end: end,
  thinking_tokens: thinkingTokens,
  forced_tokens: forcedTokens,
  ...(rejection === undefined
    ? {}
    : { tries: rejection.tries, rejected_tokens: rejection.thrownAwayTokens, gave_up: rejection.isGivenUp }),
});

/** OpenAI's `logprobs` of one choice, or of one of its chunks. */
const logprobsOf = (scores: readonly AnswerScore[]): object => ({
  content: scores.map(({ top, ...one }) => ({ ...tokenOf(one), top_logprobs: top.map(tokenOf) })),
  refusal: null,
});
const tokenOf = ({ token, logprob, bytes }: ScoredText): object => ({ token, logprob, bytes });

/** The whole reply of `/v1/chat/completions`. */
export function chatReply(head: ReplyHead, choices: readonly CollectedChoice[], usage: object): object {
  return {
    ...head,
    object: "chat.completion",
    choices: choices.map(({ thinking, answer, scores, end }, index) => ({
      index,
      message: {
        role: "assistant",
        content: answer,
        ...(thinking === "" ? {} : { reasoning_content: thinking }),
        refusal: null,
      },
      logprobs: scores === undefined ? null : logprobsOf(scores),
      finish_reason: end?.finishReason ?? "stop",
      ...(end === undefined ? {} : { grappa: grappaOf(end) }),
    })),
    usage,
  };
}

/** The whole reply of `/v1/completions`: the answer alone is its text. */
export function completionReply(head: ReplyHead, choices: readonly CollectedChoice[], usage: object): object {
  return {
    ...head,
    object: "text_completion",
    choices: choices.map(({ thinking, answer, end }, index) => ({
      index,
      text: answer,
      ...(thinking === "" ? {} : { reasoning_content: thinking }),
      logprobs: null,
      finish_reason: end?.finishReason ?? "stop",
      ...(end === undefined ? {} : { grappa: grappaOf(end) }),
    })),
    usage,
  };
}

/** One is made for every token: field by field, for a copy by spreading takes three times as long as the rest of it. */
const chunkOf =
  ({ id, created, model }: ReplyHead, object: string) =>
  (choices: readonly object[], usage?: object): object =>
    usage === undefined ? { id, created, model, object, choices } : { id, created, model, object, choices, usage };

/** Makes the chunks of a stream. */
export interface ChunkMaker {
  /** What opens a choice; undefined where nothing does. */
  open(choice: number): object | undefined;
  piece(piece: ReplyPiece): object;
  end(end: ReplyEnd): object;
  usage(usage: object): object;
}

/** Chunks of `/v1/chat/completions`. */
export function chatChunks(head: ReplyHead): ChunkMaker {
  const chunk = chunkOf(head, "chat.completion.chunk");
  return {
    open: (index) => chunk([{ index, delta: { role: "assistant", content: "" }, finish_reason: null }]),
    piece: ({ choice: index, part, text, isForced, scores }) => {
      const delta = part === "thinking" ? { reasoning_content: text } : { content: text };
      const logprobs = scores === undefined ? {} : { logprobs: logprobsOf(scores) };
      const forced = isForced ? { grappa: { forced: true } } : {};
      return chunk([{ index, delta, ...logprobs, finish_reason: null, ...forced }]);
    },
    end: (end) => chunk([{ index: end.choice, delta: {}, finish_reason: end.finishReason, grappa: grappaOf(end) }]),
    usage: (usage) => chunk([], usage),
  };
}

/** Chunks of `/v1/completions`. */
export function completionChunks(head: ReplyHead): ChunkMaker {
  const chunk = chunkOf(head, "text_completion");
  return {
    open: () => undefined,
    piece: ({ choice: index, part, text, isForced }) => {
      const written = part === "thinking" ? { text: "", reasoning_content: text } : { text };
      return chunk([{ index, ...written, finish_reason: null, ...(isForced ? { grappa: { forced: true } } : {}) }]);
    },
    end: (end) => chunk([{ index: end.choice, text: "", finish_reason: end.finishReason, grappa: grappaOf(end) }]),
    usage: (usage) => chunk([], usage),
  };
}
