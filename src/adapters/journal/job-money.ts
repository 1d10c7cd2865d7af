/**
 * @file The money for the jobs of one name, whoever runs them: what is held in the ledger and announced in the journal before
 * a job is started, in one part or, where it grew, several; and what each job came to, booked in both. After a crash at any
 * moment what was promised and not booked is promised still, so that nothing is lost, and nothing counted twice.
 */
import type { CostBasis, Hold, Ledger, Refusal } from "../../ledger/ledger.ts";
import type { IntentRequest, OpenIntent, RequestJournal } from "./request-journal.ts";

/** Whose money, and what for. */
export interface JobAccounts {
  readonly ledger: Ledger;
  readonly journal: RequestJournal;
  /** Account in ledger and journal: the stage's name. */
  readonly account: string;
  /** Identity of what is bought, 16 hex digits. */
  readonly key: string;
  /** Our name of the job; its open intents are found by it. */
  readonly name: string;
  /** Who runs it, and what model it is about, for the journal. */
  readonly provider: string;
  readonly model: string;
}

/** What a job came to. */
export interface JobCharge {
  readonly microUsd: number;
  readonly isEstimated: boolean;
  /** Names the job, and this charge, for ever: what was charged with it is not charged again. */
  readonly detail: string;
}

/** See the file's head. */
export class JobMoney {
  readonly #accounts: JobAccounts;
  readonly #parts: { readonly intent: OpenIntent; readonly hold: Hold }[] = [];

  /** Holds again what earlier processes promised for jobs of this name and did not book. */
  constructor(accounts: JobAccounts) {
    this.#accounts = accounts;
    const { journal, ledger, name, account } = accounts;
    for (const intent of journal.openIntents(name))
      this.#parts.push({ intent, hold: ledger.reopen(account, intent.worstCaseMicroUsd) });
  }

  /** Whether anything is promised: a job may be started, or have been. */
  get isOpen(): boolean {
    return this.#parts.length > 0;
  }

  get promisedMicroUsd(): number {
    return this.#parts.reduce((sum, { hold }) => sum + hold.microUsd, 0);
  }

  /** Whether a charge of this detail is booked already. */
  isCharged(detail: string): boolean {
    return this.#accounts.journal.isCharged(this.#accounts.key, detail);
  }

  /** Promises more where that is needed; tells why it cannot: also where the cap was lowered below what is promised. */
  async raiseTo(microUsd: number): Promise<Refusal | undefined> {
    const more = Math.max(0, microUsd - this.promisedMicroUsd);
    const { ledger, account, name } = this.#accounts;
    const hold = ledger.hold(account, more);
    if (!hold.granted) return hold;
    if (more === 0 && this.isOpen) {
      ledger.release(hold);
      return undefined;
    }
    try {
      this.#parts.push({ intent: await this.#intend(more, name), hold });
    } catch (error) {
      ledger.release(hold); // nothing is started without its intent
      throw error;
    }
    return undefined;
  }

  /** Promises for a job that runs already, past the cap if it must be. */
  async admit(microUsd: number): Promise<void> {
    const { ledger, account, name } = this.#accounts;
    const intent = await this.#intend(microUsd, name);
    ledger.record(account, { costMicroUsd: microUsd, basis: "unknown" });
    this.#parts.push({ intent, hold: ledger.reopen(account, microUsd) });
  }

  /** Books what a job came to on what is promised, and ends that; where nothing is, past the cap if it must be: it is spent. */
  async charge({ microUsd, isEstimated, detail }: JobCharge): Promise<void> {
    if (!this.isOpen) await this.admit(microUsd);
    const { ledger, journal } = this.#accounts;
    const basis: CostBasis = isEstimated ? "estimated" : "measured";
    const parts = this.#parts.splice(0);
    let left = microUsd;
    for (const [i, { hold }] of parts.entries()) {
      const costMicroUsd = i === parts.length - 1 ? left : Math.min(left, hold.microUsd);
      left -= costMicroUsd;
      ledger.settle(hold, { costMicroUsd, basis });
    }
    // The first line tells the whole. Who is killed before the next counts too much until the job is found again, never too little.
    for (const [i, { intent }] of parts.entries())
      await journal.charge(intent, { costMicroUsd: i === 0 ? microUsd : 0, isEstimated, detail });
  }

  /** Writes down that a job is not on this account. */
  async disclaim(detail: string): Promise<void> {
    await this.#accounts.journal.charge(await this.#intend(0), { costMicroUsd: 0, isEstimated: false, detail });
  }

  /** Nothing was started. */
  async release(detail: string): Promise<void> {
    for (const { intent, hold } of this.#parts.splice(0)) {
      this.#accounts.ledger.release(hold);
      await this.#accounts.journal.unpaid(intent, detail);
    }
  }

  /** Whatever is still open may be billed. */
  forfeit(): void {
    for (const { hold } of this.#parts.splice(0)) this.#accounts.ledger.forfeit(hold);
  }

  async #intend(worstCaseMicroUsd: number, name?: string): Promise<OpenIntent> {
    const { journal, key, provider, model, account } = this.#accounts;
    const batch = name === undefined ? {} : { batch: name };
    const request: IntentRequest = { key, worstCaseMicroUsd, account, provider, model, ...batch };
    return { ...(await journal.intend(request)), worstCaseMicroUsd };
  }
}
