/** @file The money for the fine-tunes of one name, ordered from a provider that bills by the token. */
import { AppError } from "../../core/errors.ts";
import { describeRate, type FineTuneRate } from "../../ledger/fine-tune-price.ts";
import type { Ledger, Refusal } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";
import { JobMoney } from "../journal/job-money.ts";
import type { PaidCharge, RequestJournal } from "../journal/request-journal.ts";
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

/** What is held and booked for the fine-tunes of one name. */
export class FineTuneMoney {
  readonly #accounts: FineTuneAccounts;
  readonly #money: JobMoney;

  /** Holds again what earlier processes promised for jobs of this name and did not book. */
  constructor({ name, base }: Pick<FineTuneOrder, "name" | "base">, accounts: FineTuneAccounts) {
    this.#accounts = accounts;
    const { ledger, journal, key, provider } = accounts;
    this.#money = new JobMoney({ ledger, journal, account: FINE_TUNE_ACCOUNT, key, name, provider, model: base });
  }

  /** Whether anything is promised: a job may be ordered, or have been. */
  get isOpen(): boolean {
    return this.#money.isOpen;
  }

  /** Promises more where that is needed; tells why it cannot: also where the cap was lowered below what is promised. */
  async raiseTo(microUsd: number): Promise<AppError | undefined> {
    const most = Math.max(microUsd, this.#money.promisedMicroUsd);
    const refusal = await this.#money.raiseTo(microUsd);
    return refusal && this.#overBudget(most, refusal);
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
    await this.#money.admit(microUsd);
  }

  /** Books what a job came to on what is promised, and ends that; where nothing is, past the cap if it must be: it is spent. */
  async charge(
    job: FineTuneJob,
    { microUsd, isEstimated }: Pick<FineTuneCost, "microUsd" | "isEstimated">,
  ): Promise<void> {
    const detail = nameOf(job) + (job.state.type === "completed" ? "" : NO_MODEL);
    await this.#money.charge({ microUsd, isEstimated, detail });
  }

  /** Writes down that a job that stands at the provider before ours is ordered is not on this account. */
  async disclaim(job: FineTuneJob): Promise<void> {
    await this.#money.disclaim(nameOf(job) + OTHERS);
  }

  /** Nothing was ordered. */
  async release(detail: string): Promise<void> {
    await this.#money.release(detail);
  }

  /** Whatever is still open may be billed. */
  forfeit(): void {
    this.#money.forfeit();
  }
}
