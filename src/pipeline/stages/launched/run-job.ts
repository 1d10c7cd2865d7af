/**
 * @file Runs one job on a launcher, once and paid once: found by its name before it is submitted, its money held before and
 * booked after, submitted again when a machine was lost. Knows nothing of what the job computes.
 */
import type { JobHandle, JobSpec, JobStatus, Launcher } from "../../../adapters/launchers/launcher.ts";
import type { JobMoney } from "../../../adapters/journal/job-money.ts";
import type { Waiting } from "../../../adapters/teacher/retry-delay.ts";
import { AppError } from "../../../core/errors.ts";
import { formatUsd } from "../../../ledger/money.ts";
import { type FollowedEnd, type FollowPorts, followJob, hasEnded, mayPass, patiently } from "./follow-job.ts";
import {
  cappedCost,
  costOfTry,
  type GpuRent,
  isPaid,
  type JobLimits,
  limitsFor,
  tooLittle,
  type TryCost,
  type TryTimes,
  writesStarts,
} from "./job-money.ts";
import { type JobState, type NewJob, newState, readJobState, rentOfState, writeJobState } from "./job-state.ts";
import { refuseElsewhere } from "./refuse-elsewhere.ts";

/** The world as a job sees it. */
export interface JobPorts {
  readonly launcher: Launcher;
  /** Of what is submitted now; a job that stands has its own. */
  readonly rent: GpuRent;
  readonly money: JobMoney;
  /** The most that may be promised for it now, what is promised included. */
  mostMicroUsd(): number;
  /** Where the job's state is kept. */
  readonly workFolder: string;
  readonly waiting: Waiting;
  /** Unix milliseconds. */
  now(): number;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

/** A try that ended. */
export interface EndedTry {
  readonly handle: JobHandle;
  readonly status: JobStatus;
  readonly cost: TryCost;
  readonly rent: GpuRent;
  /** Why we cancelled it: "money", or what `onStatus` said. */
  readonly stopReason: string | undefined;
  readonly number: number;
  /** When it started by the launcher, else when it was submitted; Unix milliseconds. */
  readonly beganAt: number;
}

/** What becomes of a job whose try has ended. */
export type Judgement =
  | { readonly type: "done" }
  /** A machine was lost, or the like: once more. */
  | { readonly type: "again"; readonly why: string }
  | { readonly type: "failed"; readonly error: AppError };

/** What is to be run, and how its tries are read. */
export interface JobPlan {
  readonly name: string;
  /** In messages: "the training". */
  readonly what: string;
  /** Builds the bundle; called for each submission. `isAgain`: an earlier try ended, whatever way, and is to be gone on with. */
  spec(limits: JobLimits & { readonly isAgain: boolean }): Promise<JobSpec>;
  onLine(line: string): void;
  /** How far it is and what it has cost; a reason has it cancelled. */
  onStatus(status: JobStatus, cost: TryCost): string | undefined;
  /** When the first and newest events came of the try that began at `beganAt`. Called after `onEnd`. */
  eventTimes(beganAt: number): Pick<TryTimes, "firstEventAt" | "lastEventAt">;
  /** The job has ended, whatever way: read what it left, before it is booked. */
  onEnd(handle: JobHandle): Promise<void>;
  judge(ended: EndedTry): Promise<Judgement>;
  /** The user stops us: stop the job as well, or tell how it goes on. */
  onInterrupt(handle: JobHandle): Promise<"stopped" | "goes-on">;
}

/** What the job came to. */
export interface FinishedJob extends EndedTry {
  /** Of all tries that this run knows of. */
  readonly totalMicroUsd: number;
  readonly isEstimated: boolean;
}

/** Tries of one process; each goes on from the last checkpoint. */
const MAX_TRIES = 4;
const MAX_LOOKS = 4;
const FIRST_LOOK_MS = 1_000;
const AGAIN_MS = 5_000;

/**
 * Runs the job to its good end, or goes on with it.
 * @throws {AppError} what `judge` says; "budget-exceeded" where too little is left; "interrupted": the job goes on; what the
 *   launcher throws.
 */
export async function runJob(plan: JobPlan, ports: JobPorts): Promise<FinishedJob> {
  try {
    let begun = await findJob(plan, ports);
    let total = 0;
    let isEstimated = false;
    for (let tries = 1; ; ) {
      begun ??= await submitJob(plan, ports);
      const ended = await watchJob(begun, plan, ports);
      total += ended.cost.microUsd;
      isEstimated ||= ended.cost.isEstimated;
      const wasStopped = begun.state.isJudged;
      const verdict = wasStopped ? STOPPED_BEFORE : await plan.judge(ended);
      if (verdict.type === "done") return { ...ended, totalMicroUsd: total, isEstimated };
      await writeJobState(ports.workFolder, { ...begun.state, previous: previousOf(ended), isJudged: true });
      if (verdict.type === "failed") throw verdict.error;
      begun = undefined;
      if (wasStopped) continue;
      if (tries >= MAX_TRIES) throw gaveUp(plan, tries, verdict.why);
      ports.warn(`${plan.what} ended (${verdict.why}); it is submitted again and goes on from its last checkpoint`);
      await ports.waiting.sleep(AGAIN_MS * 2 ** (tries - 1), ports.signal);
      ports.signal.throwIfAborted();
      tries += 1;
    }
  } finally {
    ports.money.forfeit();
  }
}

const STOPPED_BEFORE = { type: "again", why: "it was stopped before" } as const;
const previousOf = ({ handle, status }: EndedTry): NonNullable<JobState["previous"]> => ({
  id: handle.id,
  startedAt: status.startedAt,
  endedAt: status.endedAt,
});

/** A job that stands at the launcher. */
interface Begun {
  readonly handle: JobHandle;
  readonly state: JobState;
}

/** The job that an earlier process left, if it is to be gone on with. */
async function findJob(plan: JobPlan, ports: JobPorts): Promise<Begun | undefined> {
  const { launcher, money, workFolder } = ports;
  const state = await readJobState(workFolder);
  const place = await placeOf(ports);
  refuseElsewhere(state, { what: plan.what, type: launcher.type, place });
  const isExpected = money.isOpen || (state !== undefined && !state.isJudged);
  const handle = await look(plan.name, ports, isExpected ? MAX_LOOKS : 1);
  if (handle === undefined) {
    if (state?.handle) await bookVanished(plan, ports, { ...state, handle: state.handle });
    return undefined;
  }
  if (state?.previous?.id === handle.id && (await isPrevious(handle, ports, state))) return undefined;
  const number = state?.try ?? 1;
  const isKnown = money.isOpen || money.isCharged(labelOf(handle, number));
  const isOurs = state?.isOurs ?? (isKnown || !isPaid(ports.rent));
  if (!isOurs) ports.warn(`${plan.name} stands at ${launcher.type} already: another run started it, and pays for it`);
  const known = { ...(state ?? newState(factsOf(plan, ports, place), undefined)), place, isOurs, handle };
  await writeJobState(workFolder, known);
  return { handle, state: known };
}

/** Whether what was found is the try before, whose end was booked and told: then another was not submitted yet. */
async function isPrevious(handle: JobHandle, ports: JobPorts, { previous }: JobState): Promise<boolean> {
  const status = await patiently(() => ports.launcher.status(handle, ports.signal), ports);
  return hasEnded(status) && status.startedAt === previous?.startedAt && status.endedAt === previous.endedAt;
}

const placeOf = (ports: JobPorts): Promise<string> => patiently(() => ports.launcher.place(ports.signal), ports);
const factsOf = ({ name }: JobPlan, { launcher: { type }, rent, now }: JobPorts, place: string): NewJob => ({
  launcher: type,
  place,
  name,
  rent,
  submittedAt: now(),
});

async function look(name: string, ports: JobPorts, looks: number): Promise<JobHandle | undefined> {
  const { launcher, waiting, signal } = ports;
  for (let i = 1; ; i++) {
    const found = await patiently(() => launcher.find(name, signal), ports);
    if (found !== undefined || i >= looks) return found;
    await waiting.sleep(FIRST_LOOK_MS * 3 ** (i - 1), signal);
    signal.throwIfAborted();
  }
}

/** A job that its launcher no longer knows: it may have run until its last event, else until now, and no more than was promised. */
async function bookVanished(plan: JobPlan, ports: JobPorts, state: Begun["state"] & Pick<Begun, "handle">) {
  const { money, now, warn, launcher, signal } = ports;
  const rent = rentOfState(state);
  const detail = labelOf(state.handle, state.try);
  if (!isPaid(rent) || !money.isOpen || money.isCharged(detail)) return;
  const { submittedAt } = state;
  const lost: JobStatus = {
    state: "failed",
    detail: "",
    startedAt: submittedAt,
    endedAt: null,
    exitCode: null,
    gpus: null,
  };
  // Its record may be there still; where it cannot be had, what is known counts.
  await plan.onEnd(state.handle).catch((error: unknown) => {
    if (signal.aborted) throw error;
  });
  const most = costOfTry(rent, lost, { submittedAt, now: now(), ...plan.eventTimes(submittedAt) }).microUsd;
  const microUsd = Math.min(most, money.promisedMicroUsd);
  warn(`${launcher.type} no longer knows ${state.name}; counted as ${formatUsd(microUsd)}, what it may have cost`);
  await money.charge({ microUsd, isEstimated: true, detail });
}

/** Holds the money, then submits; whoever is killed in between finds the job by its name, or starts it now. */
async function submitJob(plan: JobPlan, ports: JobPorts): Promise<Begun> {
  const { rent, money, workFolder, signal } = ports;
  const { graceSeconds } = ports.launcher;
  const microUsd = ports.mostMicroUsd();
  const refused = tooLittle(rent, microUsd, { what: plan.what, graceSeconds });
  if (refused !== undefined) throw refused;
  if (isPaid(rent)) {
    const refusal = await money.raiseTo(microUsd);
    if (refusal !== undefined) throw tooLittle(rent, 0, { what: plan.what, graceSeconds }) as AppError;
  }
  const before = await readJobState(workFolder);
  const state = newState(factsOf(plan, ports, await placeOf(ports)), before);
  await writeJobState(workFolder, state);
  const spec = await plan.spec({ ...limitsFor(rent, microUsd, graceSeconds), isAgain: state.previous !== null });
  const handle = await patiently(() => submitOnce(spec, ports, state), ports);
  const known = { ...state, handle };
  await writeJobState(workFolder, known);
  signal.throwIfAborted();
  return { handle, state: known };
}

/** Submits; where that failed and may have come through all the same, the job is looked for. */
async function submitOnce(spec: JobSpec, ports: JobPorts, state: JobState): Promise<JobHandle> {
  const { launcher, money, signal } = ports;
  try {
    return await launcher.submit(spec, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    if (!mayPass(error)) {
      await money.release(error instanceof Error ? error.message : "refused");
      throw error;
    }
    const found = await look(spec.name, ports, 2);
    if (found === undefined) throw error;
    if (state.previous?.id === found.id && (await isPrevious(found, ports, state))) throw error;
    return found;
  }
}

/** Follows a job to its end and books what it came to. */
async function watchJob({ handle, state }: Begun, plan: JobPlan, ports: JobPorts): Promise<EndedTry> {
  const { money, now } = ports;
  const rent = rentOfState(state);
  const known = { submittedAt: state.submittedAt, startIsTold: writesStarts(handle.launcher) };
  const began = ({ startedAt }: JobStatus): number => startedAt ?? state.submittedAt;
  const timesOf = (seen: JobStatus): TryTimes => ({ ...known, now: now(), ...plan.eventTimes(began(seen)) });
  const promised = money.promisedMicroUsd;
  const mayStop = state.isOurs && isPaid(rent) && money.isOpen;
  const { status, stopReason } = await followOrLeave({ handle, state }, plan, {
    ...ports,
    onLine: (line) => plan.onLine(line),
    onStatus: (seen) => {
      const cost = costOfTry(rent, seen, timesOf(seen));
      const reason = plan.onStatus(seen, cost);
      return reason ?? (mayStop && !hasEnded(seen) && cost.microUsd >= promised ? "money" : undefined);
    },
  });
  await plan.onEnd(handle);
  const cost = cappedCost(costOfTry(rent, status, timesOf(status)), promised);
  const detail = labelOf(handle, state.try);
  if (isPaid(rent) && !money.isCharged(detail) && !money.isCharged(detail + OTHERS)) {
    if (state.isOurs) await money.charge({ microUsd: cost.microUsd, isEstimated: cost.isEstimated, detail });
    else await money.disclaim(detail + OTHERS);
  }
  const paid = state.isOurs ? cost : { ...cost, microUsd: 0 };
  return { handle, status, cost: paid, rent, stopReason, number: state.try, beganAt: began(status) };
}

/** Follows a job; where the user stops us, the plan says whether it is stopped too. */
async function followOrLeave(
  { handle, state }: Begun,
  plan: JobPlan,
  ports: JobPorts & FollowPorts,
): Promise<FollowedEnd> {
  try {
    return await followJob(handle, ports);
  } catch (error) {
    if (ports.signal.aborted && (await plan.onInterrupt(handle)) === "stopped")
      await writeJobState(ports.workFolder, { ...state, isJudged: true });
    throw error;
  }
}

/** What a charge tells of a job that another run started. */
const OTHERS = ", of another run";
const labelOf = ({ launcher, id }: JobHandle, number: number): string => `${launcher} job ${id}, try ${number}`;

function gaveUp({ what, name }: JobPlan, tries: number, why: string): AppError {
  return new AppError("provider", `${what} was tried ${tries} times and ended each time, at last: ${why}`, {
    hint: "see to the machines, then run the same command: it goes on from the last checkpoint",
    data: { job: name, tries },
    isRetryable: true,
  });
}
