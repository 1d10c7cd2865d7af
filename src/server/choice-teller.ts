/** @file The ids of one choice of a reply, told as pieces of text while they come, with what they were and how they ended. */
import type { RejectionOutcome } from "../decode/rejection-sampling.ts";
import type { Generation } from "../decode/row.ts";
import type { EmittedToken } from "../decode/thinking-budget.ts";
import type { RejectedTries } from "../schema/records.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { type AnswerScore, AnswerScores } from "./answer-scores.ts";
import { ReplyText } from "./reply-text.ts";

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

/** Which choice is told to whom. */
export interface ToldChoice {
  readonly choice: number;
  readonly stops: readonly string[];
  readonly listener: ReplyListener;
}

/** Turns the ids of one choice into pieces of text. */
export class ChoiceTeller {
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
