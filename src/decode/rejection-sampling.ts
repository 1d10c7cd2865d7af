/**
 * @file Rejection sampling, s1's control of thinking by luck alone: a prompt is sampled until its thinking ends by itself within a
 * cap. s1's harness goes on without bound; here there are so many tries and no more. A try is left as soon as it is too long, and
 * costs what it had thought by then. Accepted by length only, never by correctness.
 *
 * @source s1.md 5.4: thinking as long as the cap is kept, so that a try is decoded to one token more
 */
import type { Generation, RowRequest } from "./row.ts";
import type { BudgetSetting } from "./thinking-budget.ts";
import type { DecodeRow } from "./with-batch.ts";

/** Until when a prompt is sampled. */
export interface RejectionLimit {
  /** Most thinking tokens of a reply that is kept. */
  readonly rejectAbove: number;
  /** Most samples, at least 1. */
  readonly maxTries: number;
}

/** What the tries at one prompt came to under one limit. */
export interface RejectionOutcome {
  /** The reply that was kept; null when every try was too long. */
  readonly generation: Generation | null;
  /** Samples begun, the kept one included. */
  readonly tries: number;
  /** Tokens of the samples that were thrown away. */
  readonly thrownAwayTokens: number;
}

/** A prompt to try, sampled at a temperature above 0: greedy tries would all be one. */
export type TriedRequest = Pick<RowRequest, "promptIds" | "answerTokens" | "sampling" | "scoreTop">;

/**
 * The tries at one prompt under several limits at once: the n-th try is the same sample under each, so that they share what they
 * decode and each outcome is what it would be alone. Decode what {@link next} asks for and give it to {@link take}, until there is
 * nothing left to ask.
 */
export class RejectionTries {
  readonly #limits: readonly RejectionLimit[];
  readonly #outcomes: RejectionOutcome[];
  #tried = 0;

  constructor(limits: readonly RejectionLimit[]) {
    this.#limits = limits;
    this.#outcomes = limits.map(() => ({ generation: null, tries: 0, thrownAwayTokens: 0 }));
  }

  /** One setting for each limit that is open, the longest first; empty when all are settled. */
  next(): readonly BudgetSetting[] {
    return this.#open().map((place) => ({
      mode: "think",
      budgetTokens: (this.#limits[place] as RejectionLimit).rejectAbove + 1,
      waits: 0,
      stopsAtCap: true,
    }));
  }

  /** Names the next try's draws; the first try is the sample that there would be without rejection. */
  keyOf(sampleKey: string): string {
    return this.#tried === 0 ? sampleKey : `${sampleKey}/try ${this.#tried}`;
  }

  /** Takes the generations of the last {@link next}, in its order. */
  take(generations: readonly Generation[]): void {
    this.#open().forEach((place, index) => {
      const [before, generation] = [this.#outcomes[place], generations[index]];
      if (before === undefined || generation === undefined) throw new Error("bug in grappa: a try has no generation");
      const tries = before.tries + 1;
      this.#outcomes[place] =
        generation.end === "natural"
          ? { ...before, tries, generation }
          : { ...before, tries, thrownAwayTokens: before.thrownAwayTokens + generation.thinkingIds.length };
    });
    this.#tried += 1;
  }

  /** One a limit, in the order given. */
  get outcomes(): readonly RejectionOutcome[] {
    return this.#outcomes;
  }

  #open(): number[] {
    const limit = (place: number): RejectionLimit => this.#limits[place] as RejectionLimit;
    return this.#limits
      .map((_, place) => place)
      .filter((place) => this.#outcomes[place]?.generation === null && this.#tried < limit(place).maxTries)
      .sort((a, b) => limit(b).rejectAbove - limit(a).rejectAbove || a - b);
  }
}

/** Tries until every limit is settled. Throws as `decode` does. */
export async function finishTries(
  tries: RejectionTries,
  { promptIds, answerTokens, sampling, scoreTop }: TriedRequest,
  decode: DecodeRow,
): Promise<readonly RejectionOutcome[]> {
  for (let settings = tries.next(); settings.length > 0; settings = tries.next()) {
    const key = tries.keyOf(sampling.key);
    tries.take(await decode({ promptIds, answerTokens, scoreTop, settings, sampling: { ...sampling, key } }));
  }
  return tries.outcomes;
}
