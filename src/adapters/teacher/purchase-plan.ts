/** @file The replies that asking some questions needs, in the order in which outcomes are yielded. */
import { maxPromptTokens, type Price, tokenCost } from "../../ledger/price-book.ts";
import { type ChatMessage, requestKey, type SamplingParams } from "../../ledger/request-key.ts";
import type { Question } from "../../schema/records.ts";
import type { Purchase } from "./purchase.ts";
import type { Teacher } from "./teacher.ts";

/** How questions are put to a teacher. */
export interface PlanOptions {
  readonly teacher: Teacher;
  readonly price: Price;
  readonly samplesPerQuestion: number;
  /** Index of the first sample; 0 unless told. */
  readonly firstSample?: number;
  /** Where `seed` is given, sample i is asked with `seed + i`. */
  readonly params?: SamplingParams;
  /** Cap on thinking and answer together, tokens. */
  readonly maxTokens: number;
  /** The chat that puts a question; the question's text as the user's only message unless told. Must be pure. */
  readonly render?: (question: Question) => readonly ChatMessage[];
}

/** One reply to have. */
export interface ReplyPlace {
  /** See `requestKey`. */
  readonly key: string;
  readonly question: Question;
  readonly sampleIndex: number;
}

/**
 * Goes through the replies by question id and sample index, as often as one likes; keys are hashed the first time and kept,
 * prompts are rendered when they are needed, and only the last is kept.
 */
export class PurchasePlan implements Iterable<ReplyPlace> {
  readonly #questions: readonly Question[];
  readonly #options: PlanOptions;
  readonly #keys: string[] = [];
  #last: { readonly question: Question; readonly messages: readonly ChatMessage[] } | undefined;

  constructor(questions: readonly Question[], options: PlanOptions) {
    this.#questions = ordered(questions);
    this.#options = options;
  }

  *[Symbol.iterator](): Generator<ReplyPlace> {
    const { samplesPerQuestion, firstSample = 0 } = this.#options;
    let place = 0;
    for (const question of this.#questions) {
      if (this.#keys.length === place) this.#keys.push(...this.#keysOf(question));
      for (let sampleIndex = firstSample; sampleIndex < firstSample + samplesPerQuestion; sampleIndex++)
        yield { key: this.#keys[place++] as string, question, sampleIndex };
    }
  }

  /** What is to be bought for a place. */
  purchase({ key, question, sampleIndex }: ReplyPlace): Purchase {
    const { price, maxTokens } = this.#options;
    const messages = this.#render(question);
    const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
    const worstCaseMicroUsd = tokenCost(price, usage);
    const asked = { questionId: question.id, sampleIndex, messages, params: this.#params(sampleIndex) };
    return { key, ...asked, maxTokens, worstCaseMicroUsd };
  }

  #keysOf(question: Question): string[] {
    const { teacher, samplesPerQuestion, firstSample = 0 } = this.#options;
    const { provider, model } = teacher;
    const messages = this.#render(question);
    return Array.from({ length: samplesPerQuestion }, (_, i) => {
      const sampleIndex = firstSample + i;
      return flat(requestKey({ provider, model, messages, params: this.#params(sampleIndex), sampleIndex }));
    });
  }

  #params(sampleIndex: number): SamplingParams {
    const { params = {} } = this.#options;
    return params.seed === undefined ? params : { ...params, seed: params.seed + sampleIndex };
  }

  #render(question: Question): readonly ChatMessage[] {
    const { render = askPlainly } = this.#options;
    if (this.#last?.question !== question) this.#last = { question, messages: render(question) };
    return this.#last.messages;
  }
}

const askPlainly = (question: Question): ChatMessage[] => [{ role: "user", content: question.text }];

function ordered(questions: readonly Question[]): readonly Question[] {
  const isOrdered = questions.every(({ id }, i) => i === 0 || (questions[i - 1] as Question).id <= id);
  return isOrdered ? questions : [...questions].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** A copy that does not hold on to the longer text it was cut from. */
const flat = (key: string): string => Buffer.from(key, "latin1").toString("latin1");
