/** @file What rented GPUs may cost and did cost: how much may be held, how long that lasts, and what a try came to. Pure. */
import type { JobHandle, JobStatus } from "../../../adapters/launchers/launcher.ts";
import { AppError } from "../../../core/errors.ts";
import { type GpuHourPrice, gpuTimeCost, gpuTimeFor } from "../../../ledger/gpu-price.ts";
import type { LedgerSnapshot } from "../../../ledger/ledger.ts";
import { formatUsd } from "../../../ledger/money.ts";

/** GPUs that are paid for, at a price. */
export interface GpuRent {
  readonly gpus: number;
  readonly price: GpuHourPrice;
}

/** How long a job may run. Null: as long as it takes. */
export interface JobLimits {
  /** Seconds after which this try saves what it has and ends by itself. */
  readonly stopAfterSeconds: number | null;
  /** Seconds after which it is killed. */
  readonly timeoutSeconds: number | null;
}

/** A try's cost, and how well it is known. */
export interface TryCost {
  readonly microUsd: number;
  readonly ms: number;
  readonly isEstimated: boolean;
}

/** Less than this is not worth starting a machine for. */
const SHORTEST_MS = 60_000;
/** Kept back for the end: the last checkpoint, the student's weights. */
const RESERVE_SHARE = 0.1;
const RESERVE_MS = [20_000, 600_000] as const;

/** Whether anything is paid. */
export function isPaid({ gpus, price }: GpuRent): boolean {
  return gpus > 0 && price.microUsdPerGpuHour > 0;
}

/**
 * The most that may be promised for a job: what the run's cap has left, and what the job's own cap has.
 *
 * @param promisedMicroUsd held for it already; part of what the snapshot tells as held
 */
export function mostFor(
  { capMicroUsd, spentMicroUsd, heldMicroUsd, stages }: LedgerSnapshot,
  {
    account,
    ownCapMicroUsd,
    promisedMicroUsd,
  }: { readonly account: string; readonly ownCapMicroUsd: number | undefined; readonly promisedMicroUsd: number },
): number {
  const tally = stages[account];
  const spent = tally === undefined ? 0 : tally.measuredMicroUsd + tally.estimatedMicroUsd + tally.unknownMicroUsd;
  const left = capMicroUsd - spentMicroUsd - heldMicroUsd + promisedMicroUsd;
  return Math.max(0, Math.min(left, (ownCapMicroUsd ?? Number.POSITIVE_INFINITY) - spent));
}

/**
 * How long a job may run for so much; both null where it is free.
 *
 * @param graceSeconds for which the launcher lets a job whose time is up save what it has: paid too
 */
export function limitsFor(rent: GpuRent, microUsd: number, graceSeconds: number): JobLimits {
  if (!isPaid(rent)) return { stopAfterSeconds: null, timeoutSeconds: null };
  const ms = gpuTimeFor(rent.price, { gpus: rent.gpus, microUsd }) - graceSeconds * 1000;
  const reserve = Math.min(RESERVE_MS[1], Math.max(RESERVE_MS[0], ms * RESERVE_SHARE));
  return { stopAfterSeconds: Math.floor((ms - reserve) / 1000), timeoutSeconds: Math.floor(ms / 1000) };
}

/** Why a job is not started for so much; undefined where it may be. */
export function tooLittle(
  rent: GpuRent,
  microUsd: number,
  { what, graceSeconds }: { readonly what: string; readonly graceSeconds: number },
): AppError | undefined {
  const shortestMs = SHORTEST_MS + graceSeconds * 1000;
  if (!isPaid(rent) || gpuTimeFor(rent.price, { gpus: rent.gpus, microUsd }) >= shortestMs) return undefined;
  const { gpus, price } = rent;
  const hour = formatUsd(price.microUsdPerGpuHour * gpus);
  return new AppError(
    "budget-exceeded",
    `${what} needs ${gpus === 1 ? "a GPU" : `${gpus} GPUs`} at ${hour} an hour, and ${formatUsd(microUsd)} is left for it: less than ${shortestMs / 1000} seconds`,
    {
      hint: `raise train.maxUsd and maxUsd; \`grappa plan\` tells what it takes (price: ${price.source}, ${price.asOf})`,
      data: { leftMicroUsd: microUsd, microUsdPerGpuHour: price.microUsdPerGpuHour, gpus },
    },
  );
}

/** What is known of a try beside its status, Unix milliseconds. */
export interface TryTimes {
  readonly submittedAt: number;
  readonly now: number;
  /** When its first and its newest event came; undefined where it said nothing. */
  readonly firstEventAt?: number | undefined;
  readonly lastEventAt?: number | undefined;
  /** The launcher writes down each start ({@link writesStarts}): where it knows of none, there was none. */
  readonly startIsTold?: boolean;
}

/** Whether a launcher's jobs write down themselves that they start: Slurm's and torchrun's do. */
export function writesStarts(launcher: JobHandle["launcher"]): boolean {
  return launcher === "slurm" || launcher === "torchrun";
}

/** Whether an event is of the try that began then, Unix milliseconds: the record of a job holds those of earlier tries too. */
export function isOfTry({ time }: { readonly time: number }, beganAt: number): boolean {
  return time * 1000 >= beganAt;
}

/**
 * What a try came to, or has come to so far: by the launcher's own times; where it tells none, by its events, else by ours.
 */
export function costOfTry(rent: GpuRent, status: JobStatus, times: TryTimes): TryCost {
  const { startedAt, endedAt } = status;
  const isOver = status.state !== "queued" && status.state !== "running";
  const hasRun = startedAt !== null || times.firstEventAt !== undefined;
  // The launcher knows its end and no beginning, or would know a beginning: it never ran.
  const neverRan = isOver && (endedAt !== null || times.startIsTold === true);
  if (!hasRun && (status.state === "queued" || neverRan)) return { microUsd: 0, ms: 0, isEstimated: false };
  const start = startedAt ?? times.firstEventAt ?? times.submittedAt;
  const end = isOver ? (endedAt ?? times.lastEventAt ?? times.now) : times.now;
  const ms = Math.max(0, end - start);
  const gpus = status.gpus ?? rent.gpus;
  return {
    microUsd: isPaid({ ...rent, gpus }) ? gpuTimeCost(rent.price, { gpus, ms }) : 0,
    ms,
    isEstimated: startedAt === null || (isOver && endedAt === null),
  };
}

/** A cost, where it is a guess no more than was promised: the job is killed when that is spent. Nothing promised caps nothing. */
export function cappedCost(cost: TryCost, promisedMicroUsd: number): TryCost {
  if (!cost.isEstimated || promisedMicroUsd <= 0) return cost;
  return { ...cost, microUsd: Math.min(cost.microUsd, promisedMicroUsd) };
}
