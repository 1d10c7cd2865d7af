/** Endings of the data files that can be read. */
export const DATA_ENDINGS = [".jsonl", ".ndjson", ".json", ".csv", ".parquet"] as const;
export type DataEnding = (typeof DATA_ENDINGS)[number];
