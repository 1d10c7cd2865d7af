import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import type { SettledPurchase } from "../adapters/journal/journal-pass.ts";
import { type JournalRecovery, RequestJournal } from "../adapters/journal/request-journal.ts";
import { Ledger } from "../ledger/ledger.ts";
import { formatUsd } from "../ledger/money.ts";
import { counted } from "../report/number-format.ts";
import { readUnderWay, type UnderWay } from "./under-way.ts";

/** The money of a run: one cap and one journal over all its stages, so that no stage spends what another has promised. */
export interface RunAccounts {
  /** Holds and settlements; accounts are named like stages, and `judge`. */
  readonly ledger: Ledger;
  /** `journal/requests.jsonl`: every paid request of the run, whichever stage sent it. */
  readonly journal: RequestJournal;
}

/** Accounts that are opened when they are first needed, and then the same for everybody. */
export interface AccountsKeeper {
  /** @throws {AppError} what opening a journal throws. */
  accounts(): Promise<RunAccounts>;
  /** Closes the journal, if it was opened; may be called twice. */
  close(): Promise<void>;
}

/** Where the accounts are, and how much they allow. */
export interface AccountsOptions {
  /** Folder of `requests.jsonl`; made when it is needed. */
  readonly journalFolder: string;
  readonly capMicroUsd: number;
  /** Told once of what earlier processes may have paid without a reply, and of what goes on without them. */
  readonly warn: (message: string) => void;
}

/** Keeps the accounts of one run. What earlier processes spent counts against the cap, each on its own account. */
export function keepAccounts(options: AccountsOptions): AccountsKeeper {
  let opened: Promise<RunAccounts> | undefined;
  return {
    accounts: () => (opened ??= openAccounts(options)),
    close: async () => {
      // Whoever could not open it was told so.
      const accounts = await opened?.catch(() => undefined);
      await accounts?.journal.close();
    },
  };
}

async function openAccounts({ journalFolder, capMicroUsd, warn }: AccountsOptions): Promise<RunAccounts> {
  await mkdir(journalFolder, { recursive: true });
  const ledger = new Ledger(capMicroUsd);
  const open: SettledPurchase[] = [];
  const journal = await RequestJournal.open(join(journalFolder, "requests.jsonl"), {
    onSettled: (settled) => {
      ledger.record(settled.account, settled);
      if (settled.outcome === "open") open.push(settled);
    },
  });
  if (open.length > 0) await warnOfOpen(open, { journalFolder, warn });
  return { ledger, journal };
}

/** Tells apart what was lost with an earlier process, and what may go on without it. */
async function warnOfOpen(
  open: readonly SettledPurchase[],
  { journalFolder, warn }: Pick<AccountsOptions, "journalFolder" | "warn">,
): Promise<void> {
  const underWay = await readUnderWay(journalFolder);
  const of = (wanted: UnderWay | null) =>
    sumOf(open.filter(({ account, provider, batch = null }) => underWay({ account, provider, batch }) === wanted));
  const [lost, batched, fineTunes, jobs] = [of(null), of("batch"), of("fine-tune"), of("job")];
  warnOfPossiblyPaid({ openIntents: lost.count, possiblyPaidMicroUsd: lost.microUsd }, warn);
  if (batched.count > 0)
    warn(
      `${counted(batched.count, "request")} of an earlier try ${batched.count === 1 ? "is" : "are"} in batches that may go on at the provider; counted as ${formatUsd(batched.microUsd)} until they end`,
    );
  if (fineTunes.count > 0)
    warn(
      `a fine-tune of an earlier try may go on at the provider; counted as ${formatUsd(fineTunes.microUsd)} until it ends`,
    );
  if (jobs.count > 0)
    warn(
      `a job of an earlier try may go on on rented GPUs; counted as ${formatUsd(jobs.microUsd)}, the most that it may cost, until its end is seen`,
    );
}

/** What purchases cost together, and how many cost anything. */
function sumOf(purchases: readonly SettledPurchase[]): { readonly count: number; readonly microUsd: number } {
  const paid = purchases.filter(({ costMicroUsd }) => costMicroUsd > 0);
  return { count: paid.length, microUsd: paid.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0) };
}

/** Tells of requests that an earlier process may have paid for without seeing a reply. */
export function warnOfPossiblyPaid(
  { openIntents, possiblyPaidMicroUsd }: Pick<JournalRecovery, "openIntents" | "possiblyPaidMicroUsd">,
  warn: (message: string) => void,
): void {
  if (possiblyPaidMicroUsd === 0) return;
  const requests = `${counted(openIntents, "request")} of an earlier try ${openIntents === 1 ? "has" : "have"} no reply`;
  warn(`${requests} and may have been billed; counted as ${formatUsd(possiblyPaidMicroUsd)}`);
}
