/** @file What a forecast is counted from. Plain data. */
import type { Quantity, Share } from "./forecast-draws.ts";
import type { Price } from "./price-book.ts";

/** What was bought of a row before: it is in the total and not bought again. */
export interface Bought {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly microUsd: number;
}

export const NOTHING_BOUGHT: Bought = { calls: 0, promptTokens: 0, completionTokens: 0, microUsd: 0 };

/** A model behind an endpoint, in one role. */
export interface AskedModel {
  /** Name of the row. */
  readonly name: string;
  /** Prices of one call, each as likely as the others: those of the coming hours. */
  readonly prices: readonly [Price, ...Price[]];
  readonly prompt: Quantity;
  readonly completion: Quantity;
  /** From sending to the end of one reply. */
  readonly seconds: Quantity;
  /** Share of the questions put to it that it solves, all its samples together. */
  readonly solves: Share;
  readonly samples: number;
  /** Whether a question's samples end with the first that is right. */
  readonly stopsWhenRight: boolean;
  readonly concurrency: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Through the provider's batch API: slow, whatever the model takes. */
  readonly isBatch: boolean;
  readonly bought: Bought;
}

/** A fine-tune, paid for by the trained token or free. */
export interface PlannedTraining {
  readonly name: string;
  /** 0 on this machine. */
  readonly microUsdPerMillion: number;
  /** Paid however little is trained: GPUs wait while the base is loaded. */
  readonly startMicroUsd?: number;
  /** The least that it costs. */
  readonly minimumMicroUsd?: number;
  readonly epochs: number;
  /** Longest example, tokens. */
  readonly maxLength: number;
  readonly bought: Bought;
}

/** Everything that decides what a run costs. */
export interface ForecastFacts {
  readonly questions: number;
  /** Tries of the base itself on this machine, which cost no money: how many a question, and what share they solve. */
  readonly ownTries?: { readonly name: string; readonly perQuestion: number; readonly solves: Share };
  /** Reference students, cheapest first; each is asked what can be graded and those before it did not solve. */
  readonly students: readonly AskedModel[];
  /** Teachers, in order; each is asked what those before it failed at. */
  readonly teachers: readonly AskedModel[];
  /** Whether everything is traced, also what a student solves. */
  readonly tracesAll: boolean;
  readonly judge?: AskedModel;
  /** Share of the questions that no rule can grade: each of their traces is judged. */
  readonly unruledShare: number;
  /** Share of the questions, of those that no rule can grade, that students are asked all the same: their attempts are judged. */
  readonly judgedShare: number;
  /** Share of the others whose rule reads answers, and is doubted where it finds one wrong: such attempts and traces are judged too. */
  readonly doubtedShare: number;
  /** Examples to train on; fewer where fewer traces are right. */
  readonly examples: number;
  /** Of which questions the judge tells the subject as well: of those with a right trace, or of all that are traced; absent: none. */
  readonly judgeSorts?: "right" | "traced";
  /** Every student is asked every question, whoever solved it before. */
  readonly asksAll?: boolean;
  readonly training: PlannedTraining;
  /** Replies of models on this machine in the evaluation, which cost no money. */
  readonly ownReplies?: { readonly name: string; readonly calls: number };
  /** Models that are paid for their answers in the evaluation, and how many each gives. */
  readonly evaluation: readonly { readonly model: AskedModel; readonly calls: number }[];
}
