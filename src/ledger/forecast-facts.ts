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
  /** Of a training by a launcher, whether it is over: until then `bought` is part of its cost. A fine-tune that gave a model is. */
  readonly isDone?: boolean;
}

/** What a job on rented GPUs takes, at the slow end. */
export interface JobTake {
  readonly completionTokens: number;
  readonly microUsd: number;
  readonly seconds: number;
}

/** What was paid for a job so far, and whether that is all: part of what the job takes, for it is gone on with. */
export interface JobSoFar {
  readonly bought: Bought;
  readonly isDone: boolean;
}

/** Everything that decides what a run costs. */
export interface ForecastFacts {
  readonly questions: number;
  /** Tries of the base itself: how many a question, and what share they solve. Here they cost no money; by a launcher GPUs' time. */
  readonly ownTries?: {
    readonly name: string;
    readonly perQuestion: number;
    readonly solves: Share;
    /** What starting takes, and each question. */
    readonly job?: JobSoFar & { readonly start: JobTake; readonly each: JobTake };
  };
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
  /** Replies of base and student in the evaluation: here, which costs no money, or by a launcher, at the slow end. */
  readonly ownReplies?: {
    readonly name: string;
    readonly calls: number;
    readonly job?: JobSoFar & { readonly take: JobTake };
  };
  /** Models that are paid for their answers in the evaluation, and how many each gives. */
  readonly evaluation: readonly { readonly model: AskedModel; readonly calls: number }[];
}
