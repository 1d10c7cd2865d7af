/**
 * @file What of a journal's open purchases may go on at a provider although its process ended: requests in batches, fine-tunes,
 * and jobs on rented GPUs. The next run takes what they bring and books their ends; nothing else open will ever be heard of again.
 */
import { FINE_TUNE_ACCOUNT } from "../adapters/fine-tune/fine-tune-money.ts";
import { LAUNCHER_TYPES } from "../schema/launched-job.ts";
import type { JournalPurchase } from "../adapters/journal/journal-pass.ts";
import { liveBatches } from "../adapters/teacher/batch/shard-log.ts";

/** As what a purchase goes on. */
export type UnderWay = "batch" | "fine-tune" | "job";

/**
 * Tells of an open purchase as what it may go on; null where it cannot. A fine-tune or a job may whenever its end is not
 * booked: only its provider or launcher knows better.
 *
 * @param journalFolder where the journal lies.
 */
export async function readUnderWay(
  journalFolder: string,
): Promise<(purchase: Pick<JournalPurchase, "account" | "batch" | "provider">) => UnderWay | null> {
  const live = await liveBatches(journalFolder);
  return ({ account, batch, provider }) => {
    if (batch === null) return null;
    if (isLauncher(provider)) return "job";
    if (account === FINE_TUNE_ACCOUNT) return "fine-tune";
    return live.has(batch) ? "batch" : null;
  };
}

/** Jobs are bought from launchers, and nothing else is. */
function isLauncher(provider: string | null): boolean {
  return (LAUNCHER_TYPES as readonly (string | null)[]).includes(provider);
}
