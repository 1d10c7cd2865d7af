/**
 * @file Buys one fine-tune, once: what it may cost is held in the ledger and announced in the journal before it is
 * ordered, and what it came to is booked in both. Jobs are found by their name before one is ordered, so that whoever was
 * killed meanwhile goes on with one that runs, and books one that ended.
 */
import { AppError } from "../../core/errors.ts";
import { fineTuneCost, orderCost } from "../../ledger/fine-tune-price.ts";
import { formatUsd } from "../../ledger/money.ts";
import type { Waiting } from "../teacher/retry-delay.ts";
import { TeacherError } from "../teacher/teacher.ts";
import { type FineTuneAccounts, type FineTuneCost, FineTuneMoney, isCharged } from "./fine-tune-money.ts";
import type { FineTuneJob, FineTuneOrder, FineTuneQuote, FineTuner } from "./fine-tuner.ts";

/** On what terms it is bought. */
export interface FineTuneTerms extends FineTuneAccounts {
  readonly tuner: FineTuner;
  /** Tokens to be trained, epochs counted, as we count them: their price is what it comes to where the provider tells none. */
  readonly expectedTokens: number;
  /** Most tokens that it may come to. */
  readonly mostTokens: number;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
  readonly onProgress: (job: FineTuneJob) => void;
  /** Told what the provider says that it will come to, before it is ordered. */
  readonly onQuote?: (quote: FineTuneQuote) => void;
  /** Told of a job that ended without a model while nobody watched. */
  readonly warn: (message: string) => void;
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

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Calls in a row that may fail for now: with the pauses between them, some five minutes. */
const PATIENCE = 16;
/** So many looks, over a minute, must agree that an order did not come through: lists lag. */
const MAX_LOOKS = 4;
const FIRST_LOOK_MS = 5_000;

/**
 * Orders the fine-tune, or goes on with one that was ordered, and waits for its end. Stopped by its signal it leaves the
 * job running, to be found again.
 * @throws {AppError} `budget-exceeded`: it does not fit under the cap, or turned out not to, and was cancelled;
 *   `provider-permanent`: it failed; `interrupted`; and what the tuner throws.
 */
export async function buyFineTune(order: FineTuneOrder, terms: FineTuneTerms): Promise<BoughtFineTune> {
  const buying = { order, terms, money: new FineTuneMoney(order, terms) };
  try {
    const jobs = await look(buying);
    const paid = jobs.find((job) => job.state.type === "completed" && isCharged(job, terms));
    if (paid !== undefined) return await boughtBefore(paid, buying);
    let begun = await begin(jobs, buying, { isOurs: buying.money.isOpen });
    for (;;) {
      const job = await watch(begun, buying);
      // Together begins a job anew, as another, when a machine of its own fails.
      const others = isEnded(job) ? (await look(buying)).filter(({ id }) => id !== job.id) : [];
      const cost = costOf(job, terms);
      await buying.money.charge(job, cost);
      if (liveOne(others, terms) === undefined) return bought(job, cost);
      begun = await begin(others, buying, begun);
    }
  } finally {
    buying.money.forfeit();
  }
}

/** One purchase under way. */
interface Buying {
  readonly order: FineTuneOrder;
  readonly terms: FineTuneTerms;
  readonly money: FineTuneMoney;
}

/** A job to be watched. */
interface Begun {
  readonly job: FineTuneJob;
  /** Why the cap does not hold it; absent: it does. */
  readonly refusal?: AppError;
  /** Whether we ordered it, and may stop it; otherwise another run did. */
  readonly isOurs: boolean;
}

/**
 * The jobs of this name; where one may have been ordered and none is to be seen, only after several looks. Those that ended
 * and are not booked come with their prices.
 */
async function look({ order, terms, money }: Buying): Promise<readonly FineTuneJob[]> {
  const { tuner, waiting, signal } = terms;
  for (let looks = 1; ; looks++) {
    const jobs = await patiently(() => tuner.find(order.name, signal), terms);
    const isSeen = jobs.some((job) => job.state.type === "completed" || !isCharged(job, terms));
    if (isSeen || !money.isOpen || looks >= MAX_LOOKS) return await Promise.all(jobs.map((job) => priced(job, terms)));
    await waiting.sleep(FIRST_LOOK_MS * 3 ** (looks - 1), signal);
  }
}

/** Lists need not tell what a job came to. */
async function priced(job: FineTuneJob, terms: FineTuneTerms): Promise<FineTuneJob> {
  if (job.state.type === "running" || isCharged(job, terms)) return job;
  return await patiently(() => terms.tuner.poll(job.id, terms.signal), terms);
}

/** A job that runs or is complete, and is not booked yet. */
function liveOne(jobs: readonly FineTuneJob[], terms: FineTuneTerms): FineTuneJob | undefined {
  const live = jobs.filter((job) => !isEnded(job) && !isCharged(job, terms));
  return live.find(({ state }) => state.type === "completed") ?? live[0];
}

/** Whether it ended without a model. */
const isEnded = ({ state }: FineTuneJob): boolean => state.type === "failed" || state.type === "cancelled";

/**
 * Books what ended while nobody watched; then goes on with the job that is left, or orders one, under a hold.
 *
 * @param isOurs whether these jobs come from an order of ours.
 */
async function begin(jobs: readonly FineTuneJob[], buying: Buying, { isOurs }: Pick<Begun, "isOurs">): Promise<Begun> {
  const { terms, money } = buying;
  // Once we have booked one, another that ended may have been begun anew from it.
  const mayBeOurs = isOurs || jobs.some((job) => isCharged(job, terms));
  for (const job of jobs.filter((one) => isEnded(one) && !isCharged(one, terms)))
    await (mayBeOurs ? bookEnded(job, buying) : money.disclaim(job));
  const worstMicroUsd = orderCost(terms.rate, terms.mostTokens);
  const job = liveOne(jobs, terms);
  if (job === undefined) {
    const refusal = await money.raiseTo((await quoted(buying))?.microUsd ?? worstMicroUsd);
    if (refusal !== undefined) throw refusal;
    return { job: await submit(buying), isOurs: true };
  }
  if (money.isOpen) return { job, isOurs };
  const most = job.state.type === "running" ? worstMicroUsd : costOf(job, terms).microUsd;
  const refusal = await money.raiseTo(most);
  if (refusal === undefined) return { job, isOurs };
  // Another run ordered it, and pays for it.
  if (!isOurs) throw refusal;
  await money.admit(most);
  return { job, isOurs, refusal };
}

/** More tokens than this many times the most that we count are no other way of counting. */
const STRANGE_TOKENS = 2;

/**
 * What the provider says that the order will come to. Not to be told is no reason to stop: then our own worst case is held.
 * @throws {AppError} `provider-permanent`: it says that it would not take the order.
 */
async function quoted({ order, terms }: Buying): Promise<FineTuneQuote | undefined> {
  const quote = await terms.tuner.quote(order, terms.signal).catch((error: unknown) => {
    if (error instanceof TeacherError && !terms.signal.aborted) return undefined;
    throw error;
  });
  if (quote === undefined) return undefined;
  const { microUsd, trainedTokens, isAllowed, limitMicroUsd } = quote;
  terms.onQuote?.(quote);
  if (!isAllowed)
    throw new AppError(
      "provider-permanent",
      `${terms.provider} would not take the fine-tune of ${formatUsd(microUsd)}`,
      {
        hint: `raise the account's limit there${limitMicroUsd === null ? "" : `, which is ${formatUsd(limitMicroUsd)}`}, or add credit`,
        data: { microUsd, limitMicroUsd },
      },
    );
  if (trainedTokens !== null && trainedTokens > STRANGE_TOKENS * terms.mostTokens)
    terms.warn(
      `${terms.provider} counts ${trainedTokens} tokens, and the examples hold about ${terms.expectedTokens}: it seems to bill every row at full length; ${formatUsd(microUsd)} is held for it`,
    );
  return quote;
}

async function bookEnded(job: FineTuneJob, { terms, money }: Buying): Promise<void> {
  const cost = costOf(job, terms);
  await money.charge(job, cost);
  terms.warn(`${describeEnd(job)}; ${formatUsd(cost.microUsd)} of it is booked`);
}

/** A job that an earlier process booked; what it left open of that is ended. */
async function boughtBefore(paid: FineTuneJob, { terms, money }: Buying): Promise<BoughtFineTune> {
  if (money.isOpen) await money.charge(paid, { microUsd: 0, isEstimated: false });
  const job = await patiently(() => terms.tuner.poll(paid.id, terms.signal), terms);
  return bought(job, costOf(job, terms));
}

/** What a job came to; until its tokens are counted nothing, and its worst case where it ended and tells none. */
function costOf(job: FineTuneJob, { rate, expectedTokens, mostTokens }: FineTuneTerms): FineTuneCost {
  const { trainedTokens, billedMicroUsd, state } = job;
  const untold = isEnded(job) ? mostTokens : state.type === "completed" ? expectedTokens : 0;
  const tokens = trainedTokens ?? untold;
  const isWhole = tokens > 0 && state.type === "completed";
  const microUsd = billedMicroUsd ?? (isWhole ? orderCost(rate, tokens) : fineTuneCost(rate, tokens));
  return { tokens, microUsd, isEstimated: billedMicroUsd === null };
}

function bought(job: FineTuneJob, { tokens, microUsd, isEstimated }: FineTuneCost): BoughtFineTune {
  const { id, state } = job;
  if (state.type === "completed")
    return { job: id, model: state.model, trainedTokens: tokens, costMicroUsd: microUsd, isEstimated };
  throw new AppError("provider-permanent", describeEnd(job), {
    hint: `${formatUsd(microUsd)} of it is booked; run again to order another`,
    data: { job: id, costMicroUsd: microUsd },
  });
}

function describeEnd({ id, state }: FineTuneJob): string {
  return `the fine-tune ${id} ${state.type === "failed" ? `failed: ${state.detail}` : "was cancelled"}`;
}

async function submit(buying: Buying): Promise<FineTuneJob> {
  const { order, terms, money } = buying;
  const { tuner, signal } = terms;
  try {
    return await patiently(
      () => tuner.submit(order, signal),
      terms,
      ({ fault }) => fault === "unavailable",
    );
  } catch (error) {
    if (!(error instanceof TeacherError) || error.fault === "interrupted") throw error;
    if (error.fault === "unavailable" || error.fault === "run-refused") {
      await money.release(error.message);
      throw error;
    }
    // It may have come through: then it is found, and nothing else may be ordered.
    const jobs = await look(buying);
    const found = liveOne(jobs, terms) ?? jobs.find((job) => !isCharged(job, terms));
    if (found === undefined) throw error;
    return found;
  }
}

/** Waits for the end of a job; cancels one of ours that the cap does not allow, and leaves another's. */
async function watch(begun: Begun, { terms, money }: Buying): Promise<FineTuneJob> {
  const { tuner, waiting, signal, onProgress } = terms;
  let { job, refusal } = begun;
  let isCancelling = false;
  for (let pause = FIRST_PAUSE_MS; job.state.type === "running"; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    const { id } = job;
    onProgress(job);
    refusal ??= await money.raiseTo(costOf(job, terms).microUsd);
    if (refusal !== undefined && !begun.isOurs) {
      await money.release("another run ordered it, and pays for it");
      throw refusal;
    }
    if (refusal !== undefined) isCancelling ||= await cancel(id, terms);
    await waiting.sleep(pause, signal);
    if (signal.aborted) throw new AppError("interrupted", "stopped while the fine-tune runs", { cause: signal.reason });
    job = await patiently(() => tuner.poll(id, signal), terms);
  }
  if (refusal === undefined || job.state.type === "completed") return job;
  await money.charge(job, costOf(job, terms));
  throw refusal;
}

/** Whether a job is being cancelled now. The provider refuses that of one that has ended or that it is stopping already. */
async function cancel(id: string, terms: FineTuneTerms): Promise<boolean> {
  try {
    await patiently(() => terms.tuner.cancel(id, terms.signal), terms);
    return true;
  } catch (error) {
    if (error instanceof TeacherError && error.fault === "run-refused") return false;
    throw error;
  }
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
