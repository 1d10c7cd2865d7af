/** @file Apart from the schemas, for whoever must be small: the page in a browser. */

/** The nine stages, in the order in which they run. */
export const STAGE_NAMES = [
  "collect",
  "attempt",
  "trace",
  "grade",
  "select",
  "tokenize",
  "train",
  "evaluate",
  "report",
] as const;
