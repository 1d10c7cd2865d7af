/** @file A model as it is served: what was asked in messages, decoded by a runtime, given out as text while it comes. */
import { shortHash } from "../core/hash.ts";
import {
  finishTries,
  type RejectionLimit,
  type RejectionOutcome,
  RejectionTries,
} from "../decode/rejection-sampling.ts";
import type { Generation } from "../decode/row.ts";
import type { EmittedToken } from "../decode/thinking-budget.ts";
import type { ThinkingRequest, ThinkingRuntime } from "../decode/thinking-runtime.ts";
import type { RejectedTries } from "../schema/records.ts";
import type { ChatMessage, ChatTemplate } from "../tokenize/chat.ts";
import { thinkingDelimiters, type ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { ThinkingStyle } from "../tokenize/thinking-style.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { type AnswerScore, AnswerScores } from "./answer-scores.ts";
import {
  checkPromptAsText,
  messagesWithoutSpellings,
  type SpellingRule,
  withoutSpellings,
} from "./control-spellings.ts";
import { ApiError } from "./openai/api-error.ts";
import type { WantedReply } from "./openai/chat-request.ts";
import { type ThinkingDefaults, wantedThinking } from "./openai/thinking-controls.ts";
import { ReplyText } from "./reply-text.ts";

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

/** A piece of a reply. */
export interface ReplyPiece {
  /** Which of the n choices. */
  readonly choice: number;
  readonly part: "thinking" | "answer";
  readonly text: string;
  /** Whether the machine wrote it: the wait text, the words that open a forced answer. */
  readonly isForced: boolean;
  /** Where they were asked for: how likely the tokens were whose text begins here. Answers alone have them, and no forced ids. */
  readonly scores?: readonly AnswerScore[];
}

/** How a choice ended. */
export interface ReplyEnd {
  readonly choice: number;
  readonly finishReason: "stop" | "length";
  /** How thinking ended; null where a stop string came first. */
  readonly end: Generation["end"] | null;
  readonly thinkingTokens: number;
  /** What the model wrote as its answer. */
  readonly answerTokens: number;
  /** All ids after the prompt. */
  readonly completionTokens: number;
  readonly forcedTokens: number;
  /** Ids of the prompt that were not computed again; undefined where the runtime does not tell. */
  readonly reusedTokens: number | undefined;
  /** Of rejection sampling alone; what it threw away is counted in thinking and completion. */
  readonly rejection?: RejectedTries;
}

/** Who listens to a reply. Calls come in order. */
export interface ReplyListener {
  onPiece(piece: ReplyPiece): void;
  onEnd(end: ReplyEnd): void;
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
        const signal = AbortSignal.any([options.signal, failing.signal]);
        const one = async (choice: number): Promise<void> => {
          const sampling = { temperature: wanted.temperature, key: `${key}/${choice}` };
          const request = { promptIds, setting, delimiters, answerTokens, sampling, scoreTop: wanted.topLogprobs };
          const told = { choice, stops: wanted.stops, listener };
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
      telling.end(await this.model.runtime.generate(request, options));
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

/** Which choice is told to whom. */
interface ToldChoice {
  readonly choice: number;
  readonly stops: readonly string[];
  readonly listener: ReplyListener;
}

/** Turns the ids of one choice into pieces of text. */
class ChoiceTeller {
  /** See {@link ReplyEnd}. */
  reusedTokens: number | undefined;
  readonly #texts: Readonly<Record<"thinking" | "answer", ReplyText>>;
  readonly #scores: AnswerScores;
  readonly #choice: number;
  readonly #listener: ReplyListener;
  #part: "thinking" | "answer" = "thinking";
  #isForced = false;
  #thinkingTokens = 0;
  #answerTokens = 0;
  #completionTokens = 0;
  #forcedTokens = 0;

  constructor(tokenizer: Tokenizer, { choice, stops, listener }: ToldChoice) {
    this.#texts = { thinking: new ReplyText(tokenizer), answer: new ReplyText(tokenizer, stops) };
    this.#scores = new AnswerScores(tokenizer, this.#texts.answer);
    this.#choice = choice;
    this.#listener = listener;
  }

  get isStopped(): boolean {
    return this.#texts.answer.isStopped;
  }

  take(items: readonly EmittedToken[]): void {
    for (const { token, forced, part, score } of items) {
      if (this.isStopped) return;
      this.#completionTokens += 1;
      this.#forcedTokens += forced ? 1 : 0;
      if (part === "delimiter") continue;
      if (part === "thinking") this.#thinkingTokens += 1;
      else this.#answerTokens += 1;
      if (part !== this.#part) this.#tell(this.#texts[this.#part].end());
      this.#part = part;
      this.#isForced = forced;
      const before = this.#texts[part].decodedLength;
      const text = this.#texts[part].push(token);
      if (score !== undefined && part === "answer") this.#scores.add(token, score, before);
      this.#tell(text);
    }
  }

  /**
   * @param generation undefined where a stop string ended it, or every try was thrown away
   * @param tried what rejection sampling took
   */
  end(generation: Generation | undefined, tried?: RejectionOutcome): void {
    this.#tell(this.#texts[this.#part].end());
    const isGivenUp = tried?.generation === null;
    const finishReason = isGivenUp ? "length" : (generation?.answerFinish ?? "stop");
    const thrownAwayTokens = tried?.thrownAwayTokens ?? 0;
    this.#listener.onEnd({
      choice: this.#choice,
      finishReason,
      end: generation?.end ?? null,
      thinkingTokens: this.#thinkingTokens + thrownAwayTokens,
      answerTokens: this.#answerTokens,
      completionTokens: this.#completionTokens + thrownAwayTokens,
      forcedTokens: this.#forcedTokens,
      reusedTokens: this.reusedTokens,
      ...(tried === undefined ? {} : { rejection: { tries: tried.tries, thrownAwayTokens, isGivenUp } }),
    });
  }

  #tell(text: string): void {
    if (text === "") return;
    const piece = { choice: this.#choice, part: this.#part, text, isForced: this.#isForced };
    const scores = this.#part === "answer" ? this.#scores.release() : [];
    this.#listener.onPiece(scores.length === 0 ? piece : { ...piece, scores });
  }
}
