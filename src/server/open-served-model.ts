/** @file Opens a model folder for serving: the embedded engine, its tokenizer and template, one continuous batch. */
import { openTokenSource } from "../adapters/engine/engine-token-source.ts";
import { openEngine } from "../adapters/engine/open-engine.ts";
import { readModelFolder } from "../adapters/model-folder.ts";
import { batchedRuntime } from "../decode/thinking-runtime.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { type Effort, type ThinkingDefaults, usualEfforts } from "./openai/thinking-controls.ts";
import type { ServedModel } from "./served-model.ts";

/** What to serve, and how it thinks unless a request says. */
export interface ServedModelOptions {
  /** A student's folder. */
  readonly folder: string;
  /** The name that clients ask for. */
  readonly id: string;
  readonly threads: number;
  /** Replies decoded together. */
  readonly slots: number;
  readonly efforts?: Readonly<Partial<Record<Effort, number>>>;
  readonly budgetTokens?: number | undefined;
  readonly waits: number;
  readonly waitText: string;
  readonly answerReserve?: number | undefined;
}

/** Of the context, what an answer may take unless told otherwise; at most so many tokens. */
const ANSWER_SHARE = 1 / 4;
const MOST_ANSWER_TOKENS = 4096;

/** Opens it. Throws as `readModelFolder` does, and "engine", "limit-exceeded" where it does not fit this machine's memory. */
export async function openServedModel(options: ServedModelOptions): Promise<ServedModel> {
  const { folder, id, threads, slots } = options;
  const model = await readModelFolder(folder);
  const { config, tokenizer, chatTemplate, style } = model;
  const contextTokens = config.maxPositions;
  const engine = await openEngine({ threads, memoryBytes: FIRST_ENGINE_BYTES });
  try {
    const size = { slots, contextTokens, choosableIds: tokenizer.vocabularySize };
    const source = await openTokenSource(engine, model, size);
    const delimiters = thinkingDelimiters(tokenizer, options.waitText, style);
    const runtime = batchedRuntime(source, { delimiters, close: () => engine.close() });
    return { id, tokenizer, chatTemplate, style, runtime, defaults: defaultsOf(options, contextTokens) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** What the engine begins with; it takes what a model needs when it is loaded, with fewer slots where they do not all fit. */
const FIRST_ENGINE_BYTES = 64 << 20;

/** What thinking is where a request does not say, for a context of so many tokens. */
export function defaultsOf(
  options: Pick<ServedModelOptions, "efforts" | "budgetTokens" | "waits" | "waitText" | "answerReserve">,
  contextTokens: number,
): ThinkingDefaults {
  const share = Math.max(1, Math.min(MOST_ANSWER_TOKENS, Math.floor(contextTokens * ANSWER_SHARE)));
  return {
    contextTokens,
    efforts: { ...usualEfforts(contextTokens), ...options.efforts },
    budgetTokens: options.budgetTokens,
    waits: options.waits,
    waitText: options.waitText,
    answerReserve: options.answerReserve ?? share,
  };
}
