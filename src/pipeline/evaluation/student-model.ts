/** @file A model in this process as one to evaluate: every thinking setting, decoded together, reply by reply. */
import { openTokenSource } from "../../adapters/engine/engine-token-source.ts";
import { openEngine } from "../../adapters/engine/open-engine.ts";
import type { ModelFolder, TokenizerFolder } from "../../adapters/model-folder.ts";
import { openChannel } from "../../core/channel.ts";
import { AppError } from "../../core/errors.ts";
import { canonicalJson, sha256Hex } from "../../core/hash.ts";
import { finishTries, type RejectionOutcome, RejectionTries } from "../../decode/rejection-sampling.ts";
import type { Generation, RowRequest } from "../../decode/row.ts";
import { sweepOrder } from "../../decode/sweep.ts";
import { overheadTokens } from "../../decode/thinking-budget.ts";
import type { TokenSource } from "../../decode/token-source.ts";
import { type DecodeRow, withBatch } from "../../decode/with-batch.ts";
import type {
  AnswerContext,
  EvaluatedModel,
  ModelOutcome,
  ModelReply,
  ModelRequest,
} from "../../evaluate/evaluated-model.ts";
import type { ThinkingSetting } from "../../schema/records.ts";
import { type ThinkingDelimiters, thinkingDelimiters } from "../../tokenize/thinking-delimiters.ts";
import { orAborted } from "../stages/engine-provider.ts";

/** How a student is asked. */
export interface StudentOptions {
  /** Its name in the header. */
  readonly name: string;
  readonly threads: number;
  /** Names the draws where a setting has a temperature. */
  readonly seed: number;
  /** Cap on thinking and answer together; the context unless told. */
  readonly maxTokens?: number;
  /** Most tokens of an answer; see {@link defaultAnswerTokens}. */
  readonly answerTokens?: number;
}

/** Questions decoded together; changes no result. */
export const SLOTS = 16;
/** The engine takes more as the student needs it. */
const FIRST_ENGINE_BYTES = 64 << 20;

/**
 * What is kept free for an answer unless told: a sixteenth of the context, 64 tokens in the demo's; never more than 2,048,
 * nor than half of the cap.
 */
export function defaultAnswerTokens(contextTokens: number, maxTokens: number): number {
  return Math.max(1, Math.min(2048, Math.floor(contextTokens / 16), Math.floor(maxTokens / 2)));
}

/** A model that decodes in this process. */
export interface DecodedModel extends Pick<TokenizerFolder, "tokenizer" | "chatTemplate" | "style"> {
  readonly contextTokens: number;
  /** What its replies depend on, hashed. */
  readonly digest: string;
  /** A source of tokens of its own for every call. */
  open(): Promise<OpenSource>;
  close(): Promise<void>;
}

/** A source, and how to end what it runs on. */
export interface OpenSource {
  readonly source: TokenSource;
  close(): Promise<void>;
}

/**
 * Opens a student; its engine starts with the first request.
 *
 * @throws AppError "usage": `maxTokens` exceeds the context, or leaves no room beside the answer.
 */
export function studentModel(model: ModelFolder, options: StudentOptions): EvaluatedModel {
  const contextTokens = model.config.maxPositions;
  const open = async (): Promise<OpenSource> => {
    const engine = await openEngine({ threads: options.threads, memoryBytes: FIRST_ENGINE_BYTES });
    try {
      const size = { slots: SLOTS, contextTokens, choosableIds: model.tokenizer.vocabularySize };
      return { source: await openTokenSource(engine, model, size), close: () => engine.close() };
    } catch (error) {
      await engine.close();
      throw error;
    }
  };
  const digest = sha256Hex(canonicalJson([model.config, model.weightHash, model.tokenizerHash]));
  return decodedModel({ ...model, contextTokens, digest, open, close: async () => undefined }, options);
}

/** A model that decodes in this process, ready to be asked. Throws as {@link studentModel} does. */
export function decodedModel(model: DecodedModel, options: Omit<StudentOptions, "threads">): EvaluatedModel {
  const { contextTokens, digest } = model;
  const maxTokens = options.maxTokens ?? contextTokens;
  const answerTokens = options.answerTokens ?? defaultAnswerTokens(contextTokens, maxTokens);
  checkLimits({ contextTokens, maxTokens, answerTokens });
  const closers: (() => Promise<void>)[] = [];
  let generatedTokens = 0;
  async function* answer(requests: readonly ModelRequest[], { signal }: AnswerContext): AsyncGenerator<ModelOutcome> {
    if (requests.length === 0) return;
    const opening = model.open();
    closers.push(async () => (await opening.catch(() => undefined))?.close());
    const { source } = await orAborted(opening, signal);
    const channel = openChannel<ModelOutcome>();
    const delimiters = thinkingDelimiters(model.tokenizer, "Wait", model.style);
    const limits = { contextTokens, maxTokens, answerTokens };
    const { prompts, tooLong } = encodeRequests(requests, { model, delimiters, ...limits, seed: options.seed });
    yield* tooLong;
    const counted = countingSource(source, (tokens) => (generatedTokens += tokens));
    const put = (outcome: ModelOutcome): void => channel.put(outcome);
    const abandoned = new AbortController();
    const until = AbortSignal.any([signal, abandoned.signal]);
    withBatch(counted, { delimiters, signal: until }, (decode) =>
      Promise.all(prompts.map((prompt) => answerPrompt(prompt, { model, ...limits, decode, put }))),
    ).then(
      () => channel.end(),
      (error: unknown) => channel.fail(error),
    );
    try {
      yield* channel;
    } finally {
      abandoned.abort();
    }
  }
  return {
    facts: { kind: "student", name: options.name, digest },
    maxTokens,
    answerTokens,
    answer,
    generatedTokens: () => generatedTokens,
    spentMicroUsd: () => 0,
    close: async () => {
      for (const close of closers.splice(0)) await close();
      await model.close();
    },
  };
}

/** The same source, telling how many tokens each call chooses. */
function countingSource(source: TokenSource, onChosen: (tokens: number) => void): TokenSource {
  const { extendScored } = source;
  return {
    ...source,
    extend: (rows) => {
      onChosen(rows.length);
      return source.extend(rows);
    },
    ...(extendScored && {
      extendScored: (rows) => {
        onChosen(rows.length);
        return extendScored.call(source, rows);
      },
    }),
  };
}

function checkLimits(limits: { contextTokens: number; maxTokens: number; answerTokens: number }): void {
  const { contextTokens, maxTokens, answerTokens } = limits;
  if (maxTokens <= contextTokens && answerTokens < maxTokens) return;
  const what =
    maxTokens > contextTokens
      ? `--max-tokens ${maxTokens} exceeds the student's context of ${contextTokens} tokens`
      : `--answer-tokens ${answerTokens} leaves no room to think within ${maxTokens} tokens`;
  throw new AppError("usage", what, { hint: "give a smaller number, or leave the flag out", data: limits });
}

interface Encoding {
  readonly model: DecodedModel;
  readonly delimiters: ThinkingDelimiters;
  readonly contextTokens: number;
  readonly answerTokens: number;
  readonly seed: number;
}

/** A request as the decoder takes it. */
interface EncodedPrompt extends Pick<RowRequest, "promptIds" | "sampling"> {
  readonly request: ModelRequest;
  readonly promptHash: string;
}

/** Prompts to decode, and the outcomes of those that the context cannot hold: a reply cut before its first token. */
function encodeRequests(
  requests: readonly ModelRequest[],
  encoding: Encoding,
): { prompts: EncodedPrompt[]; tooLong: ModelOutcome[] } {
  const { model, delimiters, contextTokens, answerTokens, seed } = encoding;
  const prompts: EncodedPrompt[] = [];
  const tooLong: ModelOutcome[] = [];
  for (const request of requests) {
    const { questionId, sampleIndex, settings } = request;
    const messages = [{ role: "user", content: request.prompt }] as const;
    const promptIds = model.chatTemplate.encodePrompt(messages);
    const promptHash = sha256Hex(model.chatTemplate.renderText(messages));
    const sampling = { temperature: settings[0]?.temperature ?? 0, key: `${questionId}/${seed}/${sampleIndex}` };
    const prompt = { request, promptIds, promptHash, sampling };
    if (promptIds.length + overheadTokens({ delimiters, answerTokens }) <= contextTokens) prompts.push(prompt);
    else tooLong.push(...settings.map((setting) => outcomeOf(prompt, setting, NOTHING)));
  }
  return { prompts, tooLong };
}

/** What answering a prompt needs. */
interface Answering {
  readonly model: DecodedModel;
  readonly maxTokens: number;
  readonly answerTokens: number;
  readonly decode: DecodeRow;
  readonly put: (outcome: ModelOutcome) => void;
}

/** Decodes a prompt under all its settings in one row; what rejection sampling rejects there is tried in further rows. */
async function answerPrompt(prompt: EncodedPrompt, answering: Answering): Promise<void> {
  const { model, maxTokens, answerTokens, decode, put } = answering;
  const { promptIds, sampling, request } = prompt;
  const forced = request.settings.filter(({ maxTries }) => maxTries === undefined);
  const rejecting = request.settings.flatMap((setting) =>
    setting.maxTries === undefined
      ? []
      : [
          {
            setting,
            rejectAbove: Math.min(setting.budgetTokens, maxTokens - answerTokens),
            maxTries: setting.maxTries,
          },
        ],
  );
  const tries = new RejectionTries(rejecting);
  const ordered = sweepOrder(forced).map((place) => forced[place] as ThinkingSetting);
  // A natural end has the whole cap as its budget; the answer's part of it is kept free.
  const capped = ordered.map((setting) => ({
    ...setting,
    budgetTokens: Math.min(setting.budgetTokens, maxTokens - answerTokens),
  }));
  const settings = [...capped, ...tries.next()];
  const row = { promptIds, answerTokens, sampling, scoreTop: 0 };
  const generations = await decode({ ...row, settings });
  ordered.forEach((setting, place) =>
    put(outcomeOf(prompt, setting, replyOf(generations[place] as Generation, model))),
  );
  tries.take(generations.slice(ordered.length));
  const outcomes = await finishTries(tries, row, decode);
  rejecting.forEach(({ setting }, place) =>
    put(outcomeOf(prompt, setting, triedReply(outcomes[place] as RejectionOutcome, model))),
  );
}

function outcomeOf(
  { request, ...prompt }: EncodedPrompt,
  setting: ThinkingSetting,
  reply: GeneratedReply,
): ModelOutcome {
  const { questionId, sampleIndex } = request;
  const asked = { promptHash: prompt.promptHash, promptTokens: prompt.promptIds.length, costMicroUsd: 0 };
  return { type: "reply", questionId, sampleIndex, setting, reply: { ...asked, ...reply } };
}

type GeneratedReply = Omit<ModelReply, "promptHash" | "promptTokens" | "costMicroUsd">;

const NOTHING: GeneratedReply = {
  thinking: "",
  answer: "",
  thinkingTokens: 0,
  completionTokens: 0,
  finishReason: "length",
  isThinkingCut: false,
};

function replyOf(
  { thinkingIds, answerIds, end, answerFinish, answerLogprob }: Generation,
  { tokenizer }: DecodedModel,
): GeneratedReply {
  return {
    thinking: tokenizer.decode(thinkingIds).trim(),
    answer: tokenizer.decode(answerIds).trim(),
    thinkingTokens: thinkingIds.length,
    completionTokens: thinkingIds.length + answerIds.length,
    finishReason: answerFinish,
    isThinkingCut: end === "cut",
    ...(answerLogprob === undefined ? {} : { answerLogprob }),
  };
}

/** The reply that rejection sampling kept; nothing where it gave up. */
function triedReply({ generation, tries, thrownAwayTokens }: RejectionOutcome, model: DecodedModel): GeneratedReply {
  const rejection = { tries, thrownAwayTokens, isGivenUp: generation === null };
  return { ...(generation === null ? NOTHING : replyOf(generation, model)), rejection };
}
