/**
 * @file Everything the report shows, in one value made of schema records. The pipeline fills it in from a run folder;
 * nothing here is read from disk, clock or network, so a report is a function of its results.
 */
import type { SweepMetrics } from "../evaluate/scaling.ts";
import type { Verdict } from "../evaluate/verdict.ts";
import type { ControlsRecord } from "../schema/controls.ts";
import type { EvaluationSummary } from "../schema/evaluation-summary.ts";
import type { LaunchedJob } from "../schema/launched-job.ts";
import type { Completion, FunnelStage, Question, Score, TrainStep } from "../schema/records.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { AccountSpending, JudgeCheck } from "../schema/result.ts";

/** Where a number comes from; printed beside it as a small tag. */
export type Basis = "measured" | "estimated" | "simulated" | "published";

/** Tokens, seconds and dollars of one stage. */
export interface StageCost {
  readonly stage: string;
  readonly seconds: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly tokensBasis: Basis;
  readonly costUsd: number;
  readonly costBasis: Basis;
}

/** A stretch of a reply; `isForced` marks text that the thinking-budget machine wrote, not the model. */
export interface ReplyRun {
  readonly text: string;
  readonly isForced: boolean;
}

/** One reply to an example question, with the forced parts known. */
export interface ShownReply {
  readonly completion: Completion;
  readonly thinking: readonly ReplyRun[];
  readonly answer: readonly ReplyRun[];
}

/** A held-out question with replies of base and student at several settings. */
export interface ShownQuestion {
  readonly question: Question;
  readonly replies: readonly ShownReply[];
}

/** A stretch of a training example; `isTrained` is false where the label is -100 (the model only reads it). */
export interface ExampleRun {
  readonly text: string;
  readonly tokens: number;
  readonly isTrained: boolean;
}

/** One training example as text, split where the loss mask changes. */
export interface ShownTrace {
  readonly questionId: string;
  readonly domain: string;
  readonly thinkingTokens: number;
  readonly runs: readonly ExampleRun[];
}

/** The machine and the engine build a run used. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly nodeVersion: string;
  /** Kernel build, for example "wasm-relaxed 3f2a...". */
  readonly kernels: string;
}

/** What a reader needs to get the same numbers again. */
export interface Reproduction {
  readonly command: string;
  readonly grappaVersion: string;
  /** Named hashes (recipe, base weights, tokenizer, kernels, ...), in the order to show them. */
  readonly hashes: readonly { readonly name: string; readonly hash: string }[];
}

/** What the controls found, and how long they took. */
export interface ControlResults extends Pick<ControlsRecord, "rows" | "skipped"> {
  readonly seconds: number;
}

/** All results of one run. */
export interface RunResults {
  readonly runId: string;
  /** Resolved recipe: defaults filled in. */
  readonly recipe: Recipe;
  readonly student: { readonly parameters: number; readonly contextTokens: number };
  /** The budget that stands for "natural end" in `scores`, tokens: the context's cap. */
  readonly naturalBudgetTokens: number;
  readonly seconds: number;
  readonly spentUsd: number;
  readonly spentBasis: Basis;
  /** The ledger by account; empty where nothing was asked of others. */
  readonly accounts: readonly AccountSpending[];
  /** Absent where the recipe has no judge. */
  readonly judge?: JudgeCheck;
  /** Traces whose thinking is not raw, by kind; absent where all of it is. */
  readonly provenance?: Readonly<Record<string, number>>;
  readonly funnel: readonly FunnelStage[];
  readonly trainSteps: readonly TrainStep[];
  /** The job that trained; absent where the embedded engine did, or a provider. */
  readonly training?: LaunchedJob;
  /** Every model x setting x family, with family "all" for the totals. */
  readonly scores: readonly Score[];
  /** How `scores` got their intervals, for example "Wilson score". */
  readonly intervalMethod: string;
  readonly verdict: Verdict;
  /** s1's three numbers for the student's sweep (paper 3.2); null where nothing varies. */
  readonly metrics: SweepMetrics | null;
  /** What the student's tokens give, spent in sequence or in parallel; absent where nothing was sampled. */
  readonly methods?: Pick<EvaluationSummary, "equalTokens"> & { readonly rows: EvaluationSummary["methods"] };
  /** Null where none was run. */
  readonly controls: ControlResults | null;
  readonly ledger: readonly StageCost[];
  readonly examples: readonly ShownQuestion[];
  readonly traces: readonly ShownTrace[];
  readonly machine: MachineFacts;
  readonly reproduction: Reproduction;
}
