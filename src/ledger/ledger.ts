/**
 * @file The ledger: what was spent, what is promised, and what work was done, by stage. Pure state, no clock, no I/O.
 * Before a request its worst case is held; after it the hold becomes what was really spent. While every worst case is a
 * true upper bound, `spent + held <= cap` holds at any moment. Where a provider reports more than the bound, the truth
 * is booked and shows as `overrunMicroUsd`; nothing more is granted from then on.
 */
import { invariant } from "../core/errors.ts";
import type { Usage } from "../schema/records.ts";
import { assertMicroUsd } from "./money.ts";

/** How an amount is known: reported by the provider, counted by us, or possibly paid (no reply was seen). */
export type CostBasis = "measured" | "estimated" | "unknown";

/** A promise of money; ends in exactly one of settle, forfeit and release. */
export interface Hold {
  readonly granted: true;
  readonly stage: string;
  readonly microUsd: number;
}

/** Why no money was promised. */
export interface Refusal {
  readonly granted: false;
  readonly microUsd: number;
  readonly capMicroUsd: number;
  readonly spentMicroUsd: number;
  readonly heldMicroUsd: number;
  /** True when other holds alone are in the way: it may fit once they are settled. */
  readonly isWaitable: boolean;
}

/** What one paid call came to. */
export interface Settlement {
  readonly costMicroUsd: number;
  readonly basis: CostBasis;
  readonly usage?: Usage;
}

/** Work of a stage that is counted whether it costs money or not. */
export interface Work {
  readonly trainedTokens?: number;
  readonly decodedTokens?: number;
  readonly seconds?: number;
}

/** Everything booked for one stage. Amounts in micro-dollars, tokens as the provider or tokenizer counts them. */
export interface StageTally {
  /** Calls whose reply we have. */
  readonly calls: number;
  /** Of these, calls that cost nothing. */
  readonly freeCalls: number;
  /** Calls that may have been billed although no reply was seen. */
  readonly unknownCalls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly trainedTokens: number;
  readonly decodedTokens: number;
  readonly seconds: number;
  readonly measuredMicroUsd: number;
  readonly estimatedMicroUsd: number;
  readonly unknownMicroUsd: number;
}

/** The whole ledger as plain data, for reports. */
export interface LedgerSnapshot {
  readonly capMicroUsd: number;
  readonly spentMicroUsd: number;
  readonly heldMicroUsd: number;
  readonly overrunMicroUsd: number;
  readonly stages: Readonly<Record<string, StageTally>>;
}

type MutableTally = { -readonly [K in keyof StageTally]: number };

const emptyTally = (): MutableTally => ({
  calls: 0,
  freeCalls: 0,
  unknownCalls: 0,
  promptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  trainedTokens: 0,
  decodedTokens: 0,
  seconds: 0,
  measuredMicroUsd: 0,
  estimatedMicroUsd: 0,
  unknownMicroUsd: 0,
});

/** One spending cap over all stages of a run. */
export class Ledger {
  readonly capMicroUsd: number;
  #spent = 0;
  #held = 0;
  #overrun = 0;
  readonly #open = new Set<Hold>();
  readonly #stages = new Map<string, MutableTally>();

  constructor(capMicroUsd: number) {
    assertMicroUsd(capMicroUsd, "the cap");
    this.capMicroUsd = capMicroUsd;
  }

  /** Promises a worst case to `stage` if it fits under the cap; a worst case of 0 fits unless the cap is overrun. */
  hold(stage: string, worstCaseMicroUsd: number): Hold | Refusal {
    assertMicroUsd(worstCaseMicroUsd, "a worst case");
    const room = this.capMicroUsd - this.#spent;
    if (worstCaseMicroUsd <= room - this.#held) {
      const hold: Hold = { granted: true, stage, microUsd: worstCaseMicroUsd };
      this.#open.add(hold);
      this.#held += worstCaseMicroUsd;
      return hold;
    }
    return {
      granted: false,
      microUsd: worstCaseMicroUsd,
      capMicroUsd: this.capMicroUsd,
      spentMicroUsd: this.#spent,
      heldMicroUsd: this.#held,
      isWaitable: worstCaseMicroUsd <= room,
    };
  }

  /** Ends a hold with what the call really came to; the rest is free again at once. */
  settle(hold: Hold, settlement: Settlement): void {
    this.#close(hold);
    this.#overrun += Math.max(0, settlement.costMicroUsd - hold.microUsd);
    this.record(hold.stage, settlement);
  }

  /** Ends a hold whose call may or may not be billed: counted in full, as `unknown`. */
  forfeit(hold: Hold): void {
    this.settle(hold, { costMicroUsd: hold.microUsd, basis: "unknown" });
  }

  /** Ends a hold whose call was certainly not billed. */
  release(hold: Hold): void {
    this.#close(hold);
  }

  /**
   * Takes an amount that was booked as possibly paid back into a hold: the call is found again and will end. Never
   * refused, for it leaves the sum of spent and held as it is.
   */
  reopen(stage: string, microUsd: number): Hold {
    const tally = this.#tally(stage);
    invariant(microUsd <= tally.unknownMicroUsd, "more was reopened than was possibly paid");
    if (microUsd > 0) tally.unknownCalls -= 1; // a free call is not booked as possibly paid
    tally.unknownMicroUsd -= microUsd;
    this.#spent -= microUsd;
    this.#held += microUsd;
    const hold: Hold = { granted: true, stage, microUsd };
    this.#open.add(hold);
    return hold;
  }

  /** Books a call that was paid before this ledger existed, for example in a journal of an earlier process. */
  record(stage: string, { costMicroUsd, basis, usage }: Settlement): void {
    assertMicroUsd(costMicroUsd, "a cost");
    this.#spent += costMicroUsd;
    const tally = this.#tally(stage);
    tally[basis === "unknown" ? "unknownCalls" : "calls"] += 1;
    tally[`${basis}MicroUsd`] += costMicroUsd;
    if (costMicroUsd === 0 && basis !== "unknown") tally.freeCalls += 1;
    if (usage === undefined) return;
    tally.promptTokens += usage.promptTokens;
    tally.completionTokens += usage.completionTokens;
    tally.reasoningTokens += usage.reasoningTokens;
  }

  /** Counts tokens trained or decoded here, and time. */
  work(stage: string, { trainedTokens = 0, decodedTokens = 0, seconds = 0 }: Work): void {
    const tally = this.#tally(stage);
    tally.trainedTokens += trainedTokens;
    tally.decodedTokens += decodedTokens;
    tally.seconds += seconds;
  }

  /** A copy of everything booked so far. */
  snapshot(): LedgerSnapshot {
    return {
      capMicroUsd: this.capMicroUsd,
      spentMicroUsd: this.#spent,
      heldMicroUsd: this.#held,
      overrunMicroUsd: this.#overrun,
      stages: Object.fromEntries([...this.#stages].map(([stage, tally]) => [stage, { ...tally }])),
    };
  }

  #close(hold: Hold): void {
    invariant(this.#open.delete(hold), "a hold was ended twice");
    this.#held -= hold.microUsd;
  }

  #tally(stage: string): MutableTally {
    let tally = this.#stages.get(stage);
    if (tally === undefined) this.#stages.set(stage, (tally = emptyTally()));
    return tally;
  }
}
