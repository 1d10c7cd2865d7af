/** @file How likely an answer's tokens were, each told with the first of its text that is given out. */
import type { ScoredId, TokenScore } from "../decode/token-score.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import type { ReplyText } from "./reply-text.ts";

/** A token as text and bytes; a character that is spread over several tokens is U+FFFD in the text of each. */
export interface ScoredText {
  readonly token: string;
  readonly bytes: readonly number[];
  /** Natural logarithm. */
  readonly logprob: number;
}

/** A token of an answer, with the likeliest at its place. */
export interface AnswerScore extends ScoredText {
  readonly top: readonly ScoredText[];
}

interface Waiting {
  readonly score: AnswerScore;
  /** Characters of the answer where its own begin and end; the same where it completes none. */
  readonly from: number;
  readonly to: number;
}

/**
 * Scores of one answer. Those whose text is not given out (white space at the ends, a stop string and what follows it) are not told
 * either: the bytes of all, trimmed and up to a stop, are the answer's.
 */
export class AnswerScores {
  readonly #tokenizer: Tokenizer;
  readonly #text: ReplyText;
  #waiting: Waiting[] = [];

  constructor(tokenizer: Tokenizer, text: ReplyText) {
    this.#tokenizer = tokenizer;
    this.#text = text;
  }

  /** Takes the score of an id. `from`: characters that its text had before it; called after the text took it. */
  add(id: number, { logprob, top }: TokenScore, from: number): void {
    const score = { ...this.#textOf({ id, logprob }), top: top.map((one) => this.#textOf(one)) };
    this.#waiting.push({ score, from, to: Math.max(from, this.#text.decodedLength) });
  }

  /** Those that go with the text that was given out just now. */
  release(): readonly AnswerScore[] {
    const { from: begin, to: end } = this.#text.givenRange;
    const next = this.#waiting.findIndex(({ from }) => from >= end);
    const due = this.#waiting.splice(0, next === -1 ? this.#waiting.length : next);
    return due.filter(({ from, to }) => Math.max(to, from + 1) > begin).map(({ score }) => score);
  }

  #textOf({ id, logprob }: ScoredId): ScoredText {
    const bytes = this.#tokenizer.bytesOf(id);
    return { token: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), bytes: [...bytes], logprob };
  }
}
