/**
 * @file What of a journal's open purchases may go on at a provider although its process ended: requests in batches, and
 * fine-tunes. The next run takes their replies and books their ends; nothing else open will ever be heard of again.
 */
import { FINE_TUNE_ACCOUNT } from "../adapters/fine-tune/fine-tune-money.ts";
import type { JournalPurchase } from "../adapters/journal/journal-pass.ts";
import { liveBatches } from "../adapters/teacher/batch/shard-log.ts";

/** As what a purchase goes on. */
export type UnderWay = "batch" | "fine-tune";

/**
 * Tells of an open purchase as what it may go on; null where it cannot. A fine-tune may whenever its end is not booked:
 * only its provider knows better.
 *
 * @param journalFolder where the journal lies.
 */
export async function readUnderWay(
  journalFolder: string,
): Promise<(purchase: Pick<JournalPurchase, "account" | "batch">) => UnderWay | null> {
  const live = await liveBatches(journalFolder);
  return ({ account, batch }) => {
    if (batch === null) return null;
    if (account === FINE_TUNE_ACCOUNT) return "fine-tune";
    return live.has(batch) ? "batch" : null;
  };
}
