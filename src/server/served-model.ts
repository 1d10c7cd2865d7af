/** @file A model as it is served: what was asked in messages, decoded by a runtime, given out as text while it comes. */
import { shortHash } from "../core/hash.ts";
import { finishTries, type RejectionLimit, RejectionTries } from "../decode/rejection-sampling.ts";
import type { EmittedToken } from "../decode/thinking-budget.ts";
import type { ThinkingRequest, ThinkingRuntime } from "../decode/thinking-runtime.ts";
import type { ChatMessage, ChatTemplate } from "../tokenize/chat.ts";
import { thinkingDelimiters, type ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { ThinkingStyle } from "../tokenize/thinking-style.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { ChoiceTeller, type ReplyListener, type ToldChoice } from "./choice-teller.ts";
import {
  checkPromptAsText,
  messagesWithoutSpellings,
  type SpellingRule,
  withoutSpellings,
} from "./control-spellings.ts";
import { ApiError } from "./openai/api-error.ts";
import type { WantedReply } from "./openai/chat-request.ts";
import { type ThinkingDefaults, wantedThinking } from "./openai/thinking-controls.ts";

/** Everything that one served model consists of. */
export interface ServedModel {
  /** The name that clients ask for. */
  readonly id: string;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly style: ThinkingStyle;
  readonly runtime: ThinkingRuntime;
  readonly defaults: ThinkingDefaults;
  /** Where its runtime reads prompts as text: what is done with control tokens that a user spells. Ids need no such rule. */
  readonly spellings?: SpellingRule | undefined;
}

/** A request in ids, and what it asks for. */
export interface PreparedReply {
  readonly promptTokens: number;
  /** Decodes every choice; rejects with what the first that failed did. */
  run(listener: ReplyListener, options: { readonly signal: AbortSignal; readonly caller: string }): Promise<void>;
}

/** Far above what any text but long runs of one character comes to. */
const MOST_CHARACTERS_A_TOKEN = 16;

/** Delimiters cost a pass over the vocabulary: those of the texts in use are kept. */
const KEPT_DELIMITERS = 16;

/** Prepares replies of one model. */
export class ReplyMaker {
  readonly model: ServedModel;
  readonly #delimiters = new Map<string, ThinkingDelimiters>();
  /** Names draws that no seed names; must differ between calls. */
  readonly #newKey: () => string;

  constructor(model: ServedModel, newKey: () => string) {
    this.model = model;
    this.#newKey = newKey;
  }

  /**
   * Renders and checks a request; nothing is decoded yet.
   * @throws {ApiError} 400: the controls contradict each other, or the prompt and an answer do not fit the context
   */
  prepare(wanted: WantedReply): PreparedReply {
    const { defaults, runtime } = this.model;
    const { setting, waitText, answerTokens, rejection } = wantedThinking(wanted, defaults);
    this.#refuseLong(wanted);
    this.#refuseScores(wanted);
    const { promptIds, delimiters } = this.#encode(wanted.messages, waitText);
    if (promptIds.length + answerTokens >= runtime.contextTokens)
      throw new ApiError(
        400,
        `the messages are ${promptIds.length} tokens and the answer may take ${answerTokens}; the context holds ${runtime.contextTokens}`,
        { param: "messages", code: "context_length_exceeded" },
      );
    const key = wanted.seed === undefined ? this.#newKey() : `${wanted.seed}/${shortHash(promptIds.join())}`;
    const choices = Array.from({ length: wanted.choices }, (_, choice) => choice);
    return {
      promptTokens: promptIds.length,
      run: async (listener, options) => {
        const failing = new AbortController();
        const { onPiece, onEnd } = listener;
        // After a failure the others may still be in a model call: what they make of it is told to nobody.
        const telling: ReplyListener = {
          onPiece: (piece) => void (failing.signal.aborted || onPiece(piece)),
          onEnd: (end) => void (failing.signal.aborted || onEnd(end)),
        };
        const signal = AbortSignal.any([options.signal, failing.signal]);
        const one = async (choice: number): Promise<void> => {
          const sampling = { temperature: wanted.temperature, key: `${key}/${choice}` };
          const request = { promptIds, setting, delimiters, answerTokens, sampling, scoreTop: wanted.topLogprobs };
          const told = { choice, stops: wanted.stops, listener: telling };
          if (rejection === undefined) await this.#runChoice(told, request, { ...options, signal });
          else await this.#tryChoice(told, { request, limit: rejection }, { ...options, signal });
        };
        try {
          await Promise.all(choices.map(one));
        } catch (error) {
          failing.abort(error); // the others are of no use to anybody
          throw error;
        }
      },
    };
  }

  /** Before it is encoded, which takes a while: no text of so many characters is so few tokens. */
  #refuseLong({ messages }: WantedReply): void {
    const most = this.model.runtime.contextTokens * MOST_CHARACTERS_A_TOKEN;
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    if (characters <= most) return;
    throw new ApiError(400, `the messages have ${characters} characters; at most ${most} are taken for this context`, {
      param: "messages",
      code: "context_length_exceeded",
    });
  }

  #refuseScores({ topLogprobs }: WantedReply): void {
    if (topLogprobs === undefined || this.model.runtime.canScore) return;
    throw new ApiError(
      400,
      "logprobs are not supported here: the server behind this one decodes, and its are not asked for",
      {
        param: "logprobs",
        code: "unsupported_parameter",
      },
    );
  }

  #encode(
    messages: readonly ChatMessage[],
    waitText: string,
  ): { promptIds: readonly number[]; delimiters: ThinkingDelimiters } {
    const { tokenizer, chatTemplate, spellings: rule } = this.model;
    if (rule === undefined)
      return { promptIds: chatTemplate.encodePrompt(messages), delimiters: this.#delimitersOf(waitText) };
    const promptIds = chatTemplate.encodePrompt(messagesWithoutSpellings(messages, { tokenizer, rule }));
    checkPromptAsText(promptIds, tokenizer);
    const wait = withoutSpellings(waitText, { tokenizer, rule, param: "thinking.waitText" });
    return { promptIds, delimiters: this.#delimitersOf(wait) };
  }

  /** Nothing is told before a try is kept: what is thrown away is nobody's to read. */
  async #tryChoice(
    told: ToldChoice,
    { request, limit }: { readonly request: ThinkingRequest; readonly limit: RejectionLimit },
    options: { readonly signal: AbortSignal; readonly caller: string },
  ): Promise<void> {
    let held: EmittedToken[] = [];
    const [outcome] = await finishTries(new RejectionTries([limit]), request, async ({ settings, sampling }) => {
      held = [];
      const onEmit = (items: readonly EmittedToken[]): void => void held.push(...items);
      const [setting = request.setting] = settings;
      // A signal of its own for each try: what waits on it goes with the try.
      const signal = AbortSignal.any([options.signal]);
      return [await this.model.runtime.generate({ ...request, setting, sampling }, { ...options, signal, onEmit })];
    });
    if (outcome === undefined) throw new Error("bug in grappa: a choice was tried and has no outcome");
    const telling = new ChoiceTeller(this.model.tokenizer, told);
    if (outcome.generation !== null) telling.take(held);
    telling.end(telling.isStopped ? undefined : (outcome.generation ?? undefined), outcome);
  }

  async #runChoice(
    { choice, stops, listener }: ToldChoice,
    request: ThinkingRequest,
    { signal, caller }: { signal: AbortSignal; caller: string },
  ): Promise<void> {
    const telling = new ChoiceTeller(this.model.tokenizer, { choice, stops, listener });
    const stopped = new AbortController();
    const onEmit = (items: readonly EmittedToken[]): void => {
      telling.take(items);
      if (telling.isStopped) stopped.abort();
    };
    const onBegin = (reusedTokens: number): void => void (telling.reusedTokens = reusedTokens);
    const options = { signal: AbortSignal.any([signal, stopped.signal]), caller, onEmit, onBegin };
    try {
      const generation = await this.model.runtime.generate(request, options);
      telling.end(telling.isStopped ? undefined : generation); // a stop in the last piece ended it, not its length
    } catch (error) {
      if (!telling.isStopped || signal.aborted) throw error;
      telling.end(undefined);
    }
  }

  #delimitersOf(waitText: string): ThinkingDelimiters {
    const known = this.#delimiters.get(waitText);
    if (known !== undefined) return known;
    const { tokenizer, style } = this.model;
    const made = thinkingDelimiters(tokenizer, waitText, style);
    if (this.#delimiters.size >= KEPT_DELIMITERS) this.#delimiters.clear();
    this.#delimiters.set(waitText, made);
    return made;
  }
}
