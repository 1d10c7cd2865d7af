import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { RequestJournal } from "../adapters/journal/request-journal.ts";
import { Ledger } from "../ledger/ledger.ts";
import { formatUsd } from "../ledger/money.ts";

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
  /** Told once of what earlier processes may have paid without a reply. */
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
  const journal = await RequestJournal.open(join(journalFolder, "requests.jsonl"), {
    onSettled: (settlement) => ledger.record(settlement.account, settlement),
  });
  warnOfPossiblyPaid(journal, warn);
  return { ledger, journal };
}

/** Tells of requests that an earlier process may have paid for without seeing a reply. */
export function warnOfPossiblyPaid({ recovery }: RequestJournal, warn: (message: string) => void): void {
  const { possiblyPaidMicroUsd, openIntents } = recovery;
  if (possiblyPaidMicroUsd === 0) return;
  const amount = formatUsd(possiblyPaidMicroUsd);
  warn(`${openIntents} requests of an earlier try have no reply and may have been billed; counted as ${amount}`);
}
