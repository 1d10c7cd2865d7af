/** @file How long the jobs of a killed child take, milliseconds. */
export const CHILD_TIMES = { queueMs: 60, loadMs: 100, stepMs: 20 } as const;
