/** @file Requests that a batch of another stage may bring yet: who buys them now may buy them twice. */
import { AppError } from "../../../core/errors.ts";
import type { RequestJournal } from "../../journal/request-journal.ts";
import type { Purchase } from "../purchase.ts";
import { liveBatches } from "./shard-log.ts";

/** Where batches are remembered, and what is bought. */
export interface BatchedElsewhereOptions {
  readonly journal: RequestJournal;
  readonly journalFolder: string;
  /** Output limit of what is bought. */
  readonly maxTokens: number;
  /** The file of the buyer's own batches, which it takes up by itself. */
  readonly statePath: string | undefined;
}

/**
 * Refuses purchases of which a batch that has not ended holds the same request, under another stage than the buyer's: a
 * reference student that has become the teacher, for example.
 *
 * @param purchases read only where there are such batches.
 * @throws {AppError} `run-changed`, naming a batch; what reading the files of batches throws.
 */
export async function refuseBatchedElsewhere(
  purchases: Iterable<Pick<Purchase, "key">>,
  { journal, journalFolder, maxTokens, statePath }: BatchedElsewhereOptions,
): Promise<void> {
  const batchOf = new Map<string, string>();
  const live = await liveBatches(journalFolder);
  for (const [batch, path] of live)
    if (path !== statePath) for (const { key } of journal.openIntents(batch)) batchOf.set(key, batch);
  if (batchOf.size === 0) return;
  const held = [...purchases].flatMap(({ key }) => {
    const batch = batchOf.get(key);
    return batch === undefined || journal.find(key, maxTokens) !== undefined ? [] : [batch];
  });
  const [batch] = held;
  if (batch === undefined) return;
  const count = held.length === 1 ? "1 request is" : `${held.length} requests are`;
  const message = `${count} under way in a batch of another stage (${batch}), and would be bought a second time`;
  throw new AppError("run-changed", message, {
    hint: `put the recipe back as it was and run it, so that the replies are taken; or delete ${live.get(batch)}: what its batches hold then counts as possibly paid, and is bought again`,
    data: { batch, requests: held.length },
  });
}
