/** @file The port to a model that is evaluated: an embedded student, or an endpoint. */
import type { ModelFacts } from "../schema/evaluation.ts";
import type { FinishReason, RejectedTries, ThinkingSetting } from "../schema/records.ts";

/** One sample of one question, under every setting that it is still missing under. */
export interface ModelRequest {
  readonly questionId: string;
  readonly prompt: string;
  readonly sampleIndex: number;
  /** At least one. */
  readonly settings: readonly ThinkingSetting[];
}

/** What a model replied, the same whichever kind it is. */
export interface ModelReply {
  /** SHA-256 of the prompt as the model was given it. */
  readonly promptHash: string;
  readonly thinking: string;
  readonly answer: string;
  readonly promptTokens: number;
  readonly thinkingTokens: number;
  /** Thinking and answer together. */
  readonly completionTokens: number;
  /** `length`: the answer, or thinking without an answer, was cut. */
  readonly finishReason: FinishReason;
  /** Thinking reached its cap and an answer was forced. */
  readonly isThinkingCut: boolean;
  readonly costMicroUsd: number;
  /** Mean log-probability (natural) of the answer's tokens; absent where the model tells none, or without an answer. */
  readonly answerLogprob?: number;
  /** Of rejection sampling alone. */
  readonly rejection?: RejectedTries;
}

/** Which sample an outcome belongs to. */
export interface SamplePlace {
  readonly questionId: string;
  readonly sampleIndex: number;
  readonly setting: ThinkingSetting;
}

/** A reply, or why there will never be one. A reply that may be had later is no outcome: it is asked for again. */
export type ModelOutcome = SamplePlace &
  (
    | { readonly type: "reply"; readonly reply: ModelReply }
    | { readonly type: "failure"; readonly reason: string; readonly promptHash: string; readonly costMicroUsd: number }
  );

/** What surrounds the requests. */
export interface AnswerContext {
  /** Folder in which the model keeps what must not be lost: the journal of what was paid for. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Tells the user something that stops nothing. */
  warn(message: string): void;
}

/** A model, ready to be asked; see {@link ModelOutcome} for what comes back. */
export interface EvaluatedModel {
  readonly facts: ModelFacts;
  /** Cap on thinking and answer together that this model is asked under, tokens. */
  readonly maxTokens: number;
  /** Most tokens of an answer; null where the model knows no such reserve. */
  readonly answerTokens: number | null;
  /**
   * Answers requests in whatever order suits it, each outcome as soon as it is there. A reply depends on its own request
   * alone, never on the others.
   *
   * @throws AppError "interrupted" on the signal; "provider", "provider-permanent", "budget-exceeded" and others where
   *   it cannot go on. Outcomes given before hold.
   */
  answer(requests: readonly ModelRequest[], context: AnswerContext): AsyncIterable<ModelOutcome>;
  /** Tokens that the model has generated for `answer` in this process: what settings share is generated once. */
  generatedTokens(): number;
  /** What this evaluation has cost so far, earlier processes included; known once `answer` has begun. */
  spentMicroUsd(): number;
  close(): Promise<void>;
}
