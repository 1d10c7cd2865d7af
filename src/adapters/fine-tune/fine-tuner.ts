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

/**
 * A fine-tuning API. Every method throws {@link TeacherError}: `unavailable` nothing happened, later may work; `broken` it
 * may have happened; `run-refused` never.
 */
export interface FineTuner {
  /** The jobs of this name, those that ended too, in no order. What they cost {@link FineTuner.poll} alone tells for certain. */
  find(name: string, signal: AbortSignal): Promise<readonly FineTuneJob[]>;
  /** Begins a job, which begins to bill: look for it by its name first. */
  submit(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneJob>;
  poll(id: string, signal: AbortSignal): Promise<FineTuneJob>;
  /** Asks for a job to be stopped; it ends some time after, and the steps it took are billed. */
  cancel(id: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
