import type { RequestJournal } from "../adapters/journal/request-journal.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** The money of a run: one cap and one journal over all its stages, so that no stage spends what another has promised. */
export interface RunAccounts {
  /** Holds and settlements; accounts are named like stages, and `judge`. */
  readonly ledger: Ledger;
  /** `journal/requests.jsonl`: every paid request of the run, whichever stage sent it. */
  readonly journal: RequestJournal;
}
