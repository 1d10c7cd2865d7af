/** @file How fast a training goes, from its latest steps: tokens a second, and the seconds that are left. Pure; the same for every backend. */

/** A step, as far as pace needs it. */
export interface PacedStep {
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** How fast it goes. */
export interface TrainingPace {
  readonly tokensPerSecond: number;
  readonly stepsPerSecond: number;
}

/** Latest steps that count: enough to smooth over lengths, few enough to follow a change. */
export const PACE_STEPS = 20;

/** The pace of the latest steps; undefined before the first, or where no time passed. */
export function paceOf(steps: readonly PacedStep[]): TrainingPace | undefined {
  const latest = steps.slice(-PACE_STEPS);
  // The first step compiles kernels and fills caches: with others there it says nothing.
  const counted = latest.length > 2 && latest[0]?.step === 1 ? latest.slice(1) : latest;
  const seconds = counted.reduce((sum, one) => sum + Math.max(0, one.seconds), 0);
  if (!(seconds > 0)) return undefined;
  const tokens = counted.reduce((sum, one) => sum + one.tokens, 0);
  return { tokensPerSecond: tokens / seconds, stepsPerSecond: counted.length / seconds };
}

/** What the live view says of a step beside its number. */
export interface TrainingView {
  readonly loss: number | null;
  readonly pace: TrainingPace | undefined;
  /** Share of the GPUs' peak; undefined where there are none, or of an unknown kind. */
  readonly utilisation?: number | undefined;
  /** Spent so far, dollars; undefined where it is free. */
  readonly costUsd?: number | undefined;
}

/** "loss 0.412, 12,300 tokens/s, MFU 31 %, $1.20 so far": one line for every backend. */
export function describeTraining({ loss, pace, utilisation, costUsd }: TrainingView): string {
  const parts = [loss === null ? "loss is no number" : `loss ${loss.toFixed(3)}`];
  if (pace !== undefined) parts.push(`${grouped(pace.tokensPerSecond)} tokens/s`);
  if (utilisation !== undefined) parts.push(`MFU ${(100 * utilisation).toFixed(utilisation < 0.1 ? 1 : 0)} %`);
  if (costUsd !== undefined) parts.push(`$${costUsd.toFixed(2)} so far`);
  return parts.join(", ");
}

const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");
