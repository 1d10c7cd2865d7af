/** The learning-rate schedule of s1: linear warm-up, then a cosine to zero. */
export interface Schedule {
  readonly learningRate: number;
  readonly totalSteps: number;
  readonly warmupSteps: number;
}

/** Steps of a training run: `ceil(examples / batchSize)` an epoch; warm-up is `ceil(share * total)` (transformers' rule). */
export function planSchedule(options: {
  examples: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
  warmupShare: number;
}): Schedule {
  const totalSteps = Math.ceil(options.examples / options.batchSize) * options.epochs;
  return { learningRate: options.learningRate, totalSteps, warmupSteps: Math.ceil(totalSteps * options.warmupShare) };
}

/**
 * Learning rate of optimizer step `step`, counted from 1.
 * @source transformers get_cosine_schedule_with_warmup, whose step counter starts at 0: the first step's rate is 0 there
 *   when there is a warm-up; ours is the same at index step - 1.
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const index = step - 1;
  if (index < schedule.warmupSteps) return (schedule.learningRate * index) / Math.max(1, schedule.warmupSteps);
  const progress = (index - schedule.warmupSteps) / Math.max(1, schedule.totalSteps - schedule.warmupSteps);
  return schedule.learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
}
