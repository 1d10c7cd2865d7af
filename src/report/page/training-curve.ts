/** @file The training of a run: its curve, and what it took. */
import type { StageRow } from "./run-overview.ts";
import type { TrainingView } from "../view/training.ts";

/** Loss, rate, tokens a second and dollars. */
export interface TrainingCurve {
  readonly run: string;
  readonly status: StageRow["status"];
  /** How far it is, or what came out. */
  readonly note: string;
  /** The curve as the report draws it; of a training under way, up to its last checkpoint. Null before there is a step. */
  readonly view: TrainingView | null;
  readonly steps: number;
  /** Tokens of all steps on the curve, prompts included. */
  readonly tokens: number;
  /** Measured by whoever trained; null where nobody did. */
  readonly tokensPerSecond: number | null;
  readonly seconds: number;
  /** Paid for training; 0 where it ran on machines of one's own. */
  readonly costMicroUsd: number;
}
