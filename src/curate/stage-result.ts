import { SCHEMA_VERSION, type Dropped } from "../schema/records.ts";

/** What a curation stage returns: every row that went in is in exactly one of the two. */
export interface StageResult<Row> {
  readonly kept: readonly Row[];
  readonly dropped: readonly Dropped[];
}

/** Sorts rows into kept and dropped; `why` gives the reason to drop a row, or null to keep it. Order is kept. */
export function partition<Row>(
  rows: readonly Row[],
  stage: string,
  why: (row: Row) => { readonly id: string; readonly reason: string; readonly detail?: string } | null,
): StageResult<Row> {
  const kept: Row[] = [];
  const dropped: Dropped[] = [];
  for (const row of rows) {
    const reason = why(row);
    if (reason === null) kept.push(row);
    else dropped.push({ schemaVersion: SCHEMA_VERSION, stage, detail: "", ...reason });
  }
  return { kept, dropped };
}

/** A copy sorted by a text key, ascending by code unit: the same order on every platform and for every input order. */
export function sortedBy<Row>(rows: readonly Row[], key: (row: Row) => string): Row[] {
  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}
