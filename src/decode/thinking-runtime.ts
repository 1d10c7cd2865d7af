/**
 * @file The port to whatever decodes under a thinking budget: the embedded student, a GGUF model in this process, a server of
 * completions. The state machine of thinking-budget.ts decides on all of them what is forced and when thinking ends.
 */
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { ContinuousBatch, type BatchLoad } from "./continuous-batch.ts";
import type { Generation } from "./row.ts";
import type { BudgetSetting, EmittedToken } from "./thinking-budget.ts";
import type { Sampling, TokenSource } from "./token-source.ts";

/** One reply that is wanted. */
export interface ThinkingRequest {
  /** Ids up to and including the assistant's header, at least one. */
  readonly promptIds: readonly number[];
  readonly setting: BudgetSetting;
  readonly delimiters: ThinkingDelimiters;
  /** Most tokens that the model may write as its answer, at least 1. */
  readonly answerTokens: number;
  readonly sampling: Sampling;
  /** Where given, ids of the answer come with their score and so many likeliest ids. Asked of runtimes with `canScore` alone. */
  readonly scoreTop?: number | undefined;
}

/** What surrounds a request. */
export interface ThinkingOptions {
  /** Gives it up: it rejects with `interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Callers take turns. */
  readonly caller?: string | undefined;
  /** Called as ids are appended, in order. */
  readonly onEmit?: ((items: readonly EmittedToken[]) => void) | undefined;
  /** Called once, before the first token, with how many ids of the prompt are not computed again; never where that is not known. */
  readonly onBegin?: ((reusedTokens: number) => void) | undefined;
}

/** A model that thinks under a budget. A result depends on its request alone, not on who else is there. */
export interface ThinkingRuntime {
  /** Most ids of a prompt with its reply. */
  readonly contextTokens: number;
  /** What it cannot do, each a sentence for people; empty where it can do everything. */
  readonly limits: readonly string[];
  readonly load: BatchLoad;
  /** Whether it tells how likely its tokens were. */
  readonly canScore: boolean;
  /** @throws {AppError} limit-exceeded (it does not fit), interrupted (the signal), and what the model fails with */
  generate(request: ThinkingRequest, options?: ThinkingOptions): Promise<Generation>;
  close(): Promise<void>;
}

/** A runtime over a source of tokens: the embedded engine, or anything that chooses token by token. */
export function batchedRuntime(
  source: TokenSource,
  {
    delimiters,
    limits = [],
    close,
  }: {
    readonly delimiters: ThinkingDelimiters;
    readonly limits?: readonly string[];
    readonly close: () => Promise<void>;
  },
): ThinkingRuntime {
  const batch = new ContinuousBatch(source, delimiters);
  return {
    contextTokens: source.contextTokens,
    limits,
    canScore: source.extendScored !== undefined,
    get load() {
      return batch.load;
    },
    generate: async ({ setting, delimiters: own, ...request }, { signal, caller, onEmit, onBegin } = {}) => {
      const row = { ...request, settings: [setting], ...(onEmit === undefined ? {} : { onEmit }) };
      const [generation] = await batch.decode(row, { signal, caller, onBegin, delimiters: own }).done;
      return generation as Generation;
    },
    close,
  };
}
