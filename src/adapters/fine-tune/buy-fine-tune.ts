/**
 * @file Buys one fine-tune, once: what it may cost is held in the ledger and announced in the journal before it is
 * ordered, and what it came to is booked in both. A job is found by its name before one is ordered, so that whoever was
 * killed meanwhile goes on with it.
 */
import { AppError } from "../../core/errors.ts";
import { describeRate, fineTuneCost, type FineTuneRate } from "../../ledger/fine-tune-price.ts";
import type { Hold, Ledger } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";
import type { OpenIntent, RequestJournal } from "../journal/request-journal.ts";
import type { Waiting } from "../teacher/retry-delay.ts";
import { TeacherError } from "../teacher/teacher.ts";
import type { FineTuneJob, FineTuneOrder, FineTuner } from "./fine-tuner.ts";

/** On what terms it is bought. */
export interface FineTuneTerms {
  readonly tuner: FineTuner;
  readonly ledger: Ledger;
  readonly journal: RequestJournal;
  /** The order's identity, 16 hex digits; its name is made from it. */
  readonly key: string;
  /** Name in the journal. */
  readonly provider: string;
  readonly rate: FineTuneRate;
  /** Tokens to be trained, epochs counted, as we count them: their price is what it comes to where the provider tells none. */
  readonly expectedTokens: number;
  /** Most tokens that it may come to. */
  readonly mostTokens: number;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
  readonly onProgress: (job: FineTuneJob) => void;
}

/** A paid fine-tune. */
export interface BoughtFineTune {
  readonly job: string;
  /** The tuned model, as the provider names it. */
  readonly model: string;
  readonly trainedTokens: number;
  readonly costMicroUsd: number;
  /** False where the provider told the amount. */
  readonly isEstimated: boolean;
}

/** Account in ledger and journal. */
const ACCOUNT = "train";
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Calls in a row that may fail for now: with the pauses between them, some five minutes. */
const PATIENCE = 16;

/**
 * Orders the fine-tune, or goes on with one that was ordered, and waits for its end. Stopped by its signal it leaves the
 * job running, to be found again.
 * @throws {AppError} `budget-exceeded`: it does not fit under the cap, or turned out not to, and was cancelled;
 *   `provider-permanent`: it failed; `interrupted`; and what the tuner throws.
 */
export async function buyFineTune(order: FineTuneOrder, terms: FineTuneTerms): Promise<BoughtFineTune> {
  const found = await patiently(() => terms.tuner.find(order.name, terms.signal), terms);
  if (found !== undefined && terms.journal.isCharged(terms.key, detailOf(found)))
    return bought(found, costOf(found, terms));
  const promise = await Promised.of(order, terms);
  try {
    const job = await watch(found ?? (await submit(order, { terms, promise })), { terms, promise });
    const cost = costOf(job, terms);
    await promise.charge(job, cost);
    return bought(job, cost);
  } finally {
    promise.forfeit();
  }
}

const detailOf = ({ id }: FineTuneJob): string => `fine-tune ${id}`;

interface Cost {
  readonly tokens: number;
  readonly microUsd: number;
  readonly isEstimated: boolean;
}

/** A job that ended before its tokens were counted has trained nothing. */
function costOf({ trainedTokens, billedMicroUsd, state }: FineTuneJob, { rate, expectedTokens }: FineTuneTerms): Cost {
  const tokens = trainedTokens ?? (state.type === "completed" ? expectedTokens : 0);
  const microUsd = billedMicroUsd ?? fineTuneCost(rate, tokens);
  return { tokens, microUsd, isEstimated: billedMicroUsd === null };
}

function bought(job: FineTuneJob, { tokens, microUsd, isEstimated }: Cost): BoughtFineTune {
  const { id, state } = job;
  if (state.type === "completed")
    return { job: id, model: state.model, trainedTokens: tokens, costMicroUsd: microUsd, isEstimated };
  const detail = state.type === "failed" ? `failed: ${state.detail}` : "was cancelled";
  throw new AppError("provider-permanent", `the fine-tune ${id} ${detail}`, {
    hint: `${formatUsd(microUsd)} of it is booked; run again to order another`,
    data: { job: id, costMicroUsd: microUsd },
  });
}

interface Ordering {
  readonly terms: FineTuneTerms;
  readonly promise: Promised;
}

async function submit(order: FineTuneOrder, { terms, promise }: Ordering): Promise<FineTuneJob> {
  const { tuner, signal } = terms;
  try {
    return await patiently(
      () => tuner.submit(order, signal),
      terms,
      ({ fault }) => fault === "unavailable",
    );
  } catch (error) {
    if (!(error instanceof TeacherError)) throw error;
    if (error.fault === "unavailable" || error.fault === "run-refused") await promise.release(error.message);
    // It may have come through: then it is found, and nothing else may be ordered.
    const found = error.fault === "broken" ? await patiently(() => tuner.find(order.name, signal), terms) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}

/** Waits for the end of a job; cancels one that the cap does not allow. */
async function watch(first: FineTuneJob, { terms, promise }: Ordering): Promise<FineTuneJob> {
  const { tuner, waiting, signal, onProgress } = terms;
  let job = first;
  let refusal: AppError | undefined;
  for (let pause = FIRST_PAUSE_MS; job.state.type === "running"; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    onProgress(job);
    if (refusal === undefined) {
      refusal = await promise.raiseTo(costOf(job, terms).microUsd);
      if (refusal !== undefined) await patiently(() => tuner.cancel(job.id, signal), terms);
    }
    await waiting.sleep(pause, signal);
    if (signal.aborted) throw new AppError("interrupted", "stopped while the fine-tune runs", { cause: signal.reason });
    job = await patiently(() => tuner.poll(job.id, signal), terms);
  }
  if (refusal === undefined || job.state.type === "completed") return job;
  await promise.charge(job, costOf(job, terms));
  throw refusal;
}

/** Tries again what may work later. */
async function patiently<T>(
  call: () => Promise<T>,
  { waiting, signal }: FineTuneTerms,
  mayWork: (error: TeacherError) => boolean = ({ isRetryable }) => isRetryable,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TeacherError) || !mayWork(error) || tries >= PATIENCE || signal.aborted) throw error;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 1.5 ** tries);
      await waiting.sleep(Math.max(error.retryAfterMs, pause), signal);
    }
  }
}

/** The money for one job: what is held in the ledger and announced in the journal, in one part or, where it grew, several. */
class Promised {
  readonly #terms: FineTuneTerms;
  readonly #order: FineTuneOrder;
  readonly #parts: { readonly intent: OpenIntent; readonly hold: Hold }[] = [];

  private constructor(order: FineTuneOrder, terms: FineTuneTerms) {
    this.#order = order;
    this.#terms = terms;
  }

  /** What an earlier process promised for this job, or a new promise. */
  static async of(order: FineTuneOrder, terms: FineTuneTerms): Promise<Promised> {
    const promise = new Promised(order, terms);
    for (const intent of terms.journal.openIntents(order.name))
      promise.#parts.push({ intent, hold: terms.ledger.reopen(ACCOUNT, intent.worstCaseMicroUsd) });
    if (promise.#parts.length > 0) return promise;
    const refusal = await promise.raiseTo(fineTuneCost(terms.rate, terms.mostTokens));
    if (refusal !== undefined) throw refusal;
    return promise;
  }

  /** Promises more where that is needed; tells why it cannot. */
  async raiseTo(microUsd: number): Promise<AppError | undefined> {
    const { ledger, journal, key, provider, rate } = this.#terms;
    const more = microUsd - this.#parts.reduce((sum, { hold }) => sum + hold.microUsd, 0);
    if (more <= 0 && this.#parts.length > 0) return undefined;
    const hold = ledger.hold(ACCOUNT, more);
    if (!hold.granted) {
      const left = formatUsd(Math.max(0, hold.capMicroUsd - hold.spentMicroUsd - hold.heldMicroUsd));
      return new AppError(
        "budget-exceeded",
        `the fine-tune may cost ${formatUsd(microUsd)}, and ${left} of maxUsd is left for ${this.#parts.length === 0 ? "it" : "what it needs beyond what is held"}`,
        {
          hint: `raise maxUsd, or lower train.epochs or select.count; the price: ${describeRate(rate)}`,
          data: { worstCaseMicroUsd: microUsd, capMicroUsd: hold.capMicroUsd, spentMicroUsd: hold.spentMicroUsd },
        },
      );
    }
    const { name, base } = this.#order;
    const request = { key, worstCaseMicroUsd: more, account: ACCOUNT, provider, model: base, batch: name };
    this.#parts.push({ intent: { ...(await journal.intend(request)), worstCaseMicroUsd: more }, hold });
    return undefined;
  }

  /** Books what the job came to. */
  async charge(job: FineTuneJob, { microUsd, isEstimated }: Cost): Promise<void> {
    let left = microUsd;
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      const costMicroUsd = this.#parts.length === 0 ? left : Math.min(left, part.hold.microUsd);
      left -= costMicroUsd;
      this.#terms.ledger.settle(part.hold, { costMicroUsd, basis: isEstimated ? "estimated" : "measured" });
      await this.#terms.journal.charge(part.intent, { costMicroUsd, isEstimated, detail: detailOf(job) });
    }
  }

  /** Nothing was ordered. */
  async release(detail: string): Promise<void> {
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      this.#terms.ledger.release(part.hold);
      await this.#terms.journal.unpaid(part.intent, detail);
    }
  }

  /** Whatever is still open may be billed. */
  forfeit(): void {
    for (const { hold } of this.#parts.splice(0)) this.#terms.ledger.forfeit(hold);
  }
}
