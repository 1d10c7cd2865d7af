/**
 * @file The money for the jobs of one name: what is held in the ledger and announced in the journal before a job is
 * ordered, in one part or, where it grew, several; and what each job came to, booked in both.
 */
import { AppError } from "../../core/errors.ts";
import { describeRate, type FineTuneRate } from "../../ledger/fine-tune-price.ts";
import type { Hold, Ledger, Refusal } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";
import type { IntentRequest, OpenIntent, PaidCharge, RequestJournal } from "../journal/request-journal.ts";
import type { FineTuneJob, FineTuneOrder } from "./fine-tuner.ts";

/** Account of fine-tunes in ledger and journal; nothing else is bought on it. */
export const FINE_TUNE_ACCOUNT = "train";

/** Whose money, and at what price. */
export interface FineTuneAccounts {
  readonly ledger: Ledger;
  readonly journal: RequestJournal;
  /** The order's identity, 16 hex digits; its name is made from it. */
  readonly key: string;
  /** Name in the journal. */
  readonly provider: string;
  readonly rate: FineTuneRate;
}

/** What a job came to. */
export interface FineTuneCost {
  readonly tokens: number;
  readonly microUsd: number;
  /** False where the provider told the amount. */
  readonly isEstimated: boolean;
}

/** What a charge tells of a job that ended without a model, after its name; and of one that another run ordered. */
const NO_MODEL = ", without a model";
const OTHERS = ", of another run";
const nameOf = ({ id }: FineTuneJob): string => `fine-tune ${id}`;

/** Whether a job is booked in this journal: it must not be booked twice. */
export function isCharged(job: FineTuneJob, { journal, key }: Pick<FineTuneAccounts, "journal" | "key">): boolean {
  return ["", NO_MODEL, OTHERS].some((end) => journal.isCharged(key, nameOf(job) + end));
}

/** Whether a charge bought a model, by its detail in the journal. */
export function boughtModel({ detail }: Pick<PaidCharge, "detail">): boolean {
  return !detail.endsWith(NO_MODEL) && !detail.endsWith(OTHERS);
}

/** See the file's head. */
export class FineTuneMoney {
  readonly #accounts: FineTuneAccounts;
  readonly #order: Pick<FineTuneOrder, "name" | "base">;
  readonly #parts: { readonly intent: OpenIntent; readonly hold: Hold }[] = [];

  /** Holds again what earlier processes promised for jobs of this name and did not book. */
  constructor(order: Pick<FineTuneOrder, "name" | "base">, accounts: FineTuneAccounts) {
    this.#order = order;
    this.#accounts = accounts;
    for (const intent of accounts.journal.openIntents(order.name))
      this.#parts.push({ intent, hold: accounts.ledger.reopen(FINE_TUNE_ACCOUNT, intent.worstCaseMicroUsd) });
  }

  /** Whether anything is promised: a job may be ordered, or have been. */
  get isOpen(): boolean {
    return this.#parts.length > 0;
  }

  /** Promises more where that is needed; tells why it cannot: also where the cap was lowered below what is promised. */
  async raiseTo(microUsd: number): Promise<AppError | undefined> {
    const promised = this.#parts.reduce((sum, { hold }) => sum + hold.microUsd, 0);
    const more = Math.max(0, microUsd - promised);
    const { ledger } = this.#accounts;
    const hold = ledger.hold(FINE_TUNE_ACCOUNT, more);
    if (!hold.granted) return this.#overBudget(Math.max(microUsd, promised), hold);
    if (more === 0 && this.isOpen) {
      ledger.release(hold);
      return undefined;
    }
    try {
      this.#parts.push({ intent: await this.#intend(more, this.#order.name), hold });
    } catch (error) {
      ledger.release(hold); // nothing is ordered without its intent
      throw error;
    }
    return undefined;
  }

  #overBudget(microUsd: number, { capMicroUsd, spentMicroUsd, heldMicroUsd }: Refusal): AppError {
    const left = capMicroUsd - spentMicroUsd - heldMicroUsd;
    const room =
      left < 0
        ? `what is spent and held is ${formatUsd(-left)} over maxUsd`
        : `${formatUsd(left)} of maxUsd is left for ${this.isOpen ? "what it needs beyond what is held" : "it"}`;
    return new AppError("budget-exceeded", `the fine-tune may cost ${formatUsd(microUsd)}, and ${room}`, {
      hint: `raise maxUsd, or lower train.epochs or select.count; the price: ${describeRate(this.#accounts.rate)}`,
      data: { worstCaseMicroUsd: microUsd, capMicroUsd, spentMicroUsd },
    });
  }

  /** Promises for a job that runs already, past the cap if it must be. */
  async admit(microUsd: number): Promise<void> {
    const { ledger } = this.#accounts;
    const intent = await this.#intend(microUsd, this.#order.name);
    ledger.record(FINE_TUNE_ACCOUNT, { costMicroUsd: microUsd, basis: "unknown" });
    this.#parts.push({ intent, hold: ledger.reopen(FINE_TUNE_ACCOUNT, microUsd) });
  }

  /** Books what a job came to on what is promised, and ends that; where nothing is, past the cap if it must be: it is spent. */
  async charge(
    job: FineTuneJob,
    { microUsd, isEstimated }: Pick<FineTuneCost, "microUsd" | "isEstimated">,
  ): Promise<void> {
    if (!this.isOpen) await this.admit(microUsd);
    const { ledger, journal } = this.#accounts;
    const parts = this.#parts.splice(0);
    let left = microUsd;
    for (const [i, { hold }] of parts.entries()) {
      const costMicroUsd = i === parts.length - 1 ? left : Math.min(left, hold.microUsd);
      left -= costMicroUsd;
      ledger.settle(hold, { costMicroUsd, basis: isEstimated ? "estimated" : "measured" });
    }
    // The first line tells the whole. Who is killed before the next counts too much until the job is found again, never too little.
    const detail = nameOf(job) + (job.state.type === "completed" ? "" : NO_MODEL);
    for (const [i, { intent }] of parts.entries())
      await journal.charge(intent, { costMicroUsd: i === 0 ? microUsd : 0, isEstimated, detail });
  }

  /** Writes down that a job that stands at the provider before ours is ordered is not on this account. */
  async disclaim(job: FineTuneJob): Promise<void> {
    const intent = await this.#intend(0);
    const detail = nameOf(job) + OTHERS;
    await this.#accounts.journal.charge(intent, { costMicroUsd: 0, isEstimated: false, detail });
  }

  /** Nothing was ordered. */
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
    const { journal, key, provider } = this.#accounts;
    const batch = name === undefined ? {} : { batch: name };
    const request: IntentRequest = {
      key,
      worstCaseMicroUsd,
      account: FINE_TUNE_ACCOUNT,
      provider,
      model: this.#order.base,
      ...batch,
    };
    return { ...(await journal.intend(request)), worstCaseMicroUsd };
  }
}
