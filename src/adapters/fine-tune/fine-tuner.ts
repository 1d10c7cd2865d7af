/** @file The port to a provider that fine-tunes models: a job, found by its name, watched to its end, paid once. */

/** What is to be trained, and how. */
export interface FineTuneOrder {
  /** Our own name for the job, at most 40 letters, digits and dashes; the provider keeps it, and finds the job by it. */
  readonly name: string;
  /** The base, as the provider names it. */
  readonly base: string;
  readonly method: "full" | "lora";
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Share of steps with rising learning rate. */
  readonly warmupShare: number;
  readonly weightDecay: number;
  readonly maxGradientNorm: number;
  /** The examples, in JSONL as the provider takes it. */
  readonly examples: Uint8Array;
}

/** Where a job stands. Every end but `completed` leaves no model. */
export type FineTuneState =
  | { readonly type: "running"; readonly phase: string; readonly step: number; readonly totalSteps: number | null }
  | { readonly type: "completed"; readonly model: string }
  | { readonly type: "failed"; readonly detail: string }
  | { readonly type: "cancelled" };

/** A job. */
export interface FineTuneJob {
  readonly id: string;
  readonly state: FineTuneState;
  /** Tokens it trains on, epochs counted, as the provider counts them; null where it has not, or tells none. */
  readonly trainedTokens: number | null;
  /** What the provider says it costs; null where it does not say. 0 is said of a job without a model alone: nothing is billed. */
  readonly billedMicroUsd: number | null;
}

/** What the provider says, before it is ordered, that an order will come to. */
export interface FineTuneQuote {
  readonly microUsd: number;
  /** Tokens that it would train on, epochs counted; null where it does not say. */
  readonly trainedTokens: number | null;
  /** Whether it would take the order now. */
  readonly isAllowed: boolean;
  /** The account's limit; null where it does not say. */
  readonly limitMicroUsd: number | null;
}

/** Weights on their way to this disk. */
export interface WeightsRequest {
  readonly job: string;
  readonly method: "full" | "lora";
  /** The file that they become; a part of them may lie beside it already. */
  readonly to: string;
  /** More is refused. */
  readonly maxBytes: number;
  readonly onBytes: (bytes: number, total: number | null) => void;
}

/**
 * A fine-tuning API. Every method throws {@link TeacherError}: `unavailable` nothing happened, later may work; `broken` it
 * may have happened; `run-refused` never.
 */
export interface FineTuner {
  /** The jobs of this name, those that ended too, in no order. What they cost {@link FineTuner.poll} alone tells for certain. */
  find(name: string, signal: AbortSignal): Promise<readonly FineTuneJob[]>;
  /**
   * Asks what an order would come to, which costs nothing and begins nothing; undefined where the provider cannot say. It may
   * upload the examples, once: the order then uses them.
   */
  quote(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneQuote | undefined>;
  /** Begins a job, which begins to bill: look for it by its name first. */
  submit(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneJob>;
  poll(id: string, signal: AbortSignal): Promise<FineTuneJob>;
  /** Asks for a job to be stopped; it ends some time after, and the steps it took are billed. */
  cancel(id: string, signal: AbortSignal): Promise<void>;
  /** Downloads what a completed job made, going on where an earlier try stopped; what it is in, the caller must know. */
  download(weights: WeightsRequest, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
