/** @file What Slurm and the job's own files say of it, as a status. */
import { excerptOf } from "../teacher/excerpt.ts";
import type { JobStatus } from "./launcher.ts";

type State = JobStatus["state"];

/** Slurm's states of a job (squeue(1), "JOB STATE CODES"), as ours. */
const STATES: Readonly<Record<string, State>> = {
  PENDING: "queued",
  CONFIGURING: "queued",
  REQUEUED: "queued",
  REQUEUE_FED: "queued",
  REQUEUE_HOLD: "queued",
  RESV_DEL_HOLD: "queued",
  SPECIAL_EXIT: "queued",
  RUNNING: "running",
  COMPLETING: "running",
  RESIZING: "running",
  SIGNALING: "running",
  STAGE_OUT: "running",
  STOPPED: "running",
  SUSPENDED: "running",
  UPDATE_DB: "running",
  COMPLETED: "succeeded",
  CANCELLED: "cancelled",
  REVOKED: "cancelled",
  TIMEOUT: "timed-out",
  DEADLINE: "timed-out",
  BOOT_FAIL: "failed",
  FAILED: "failed",
  LAUNCH_FAILED: "failed",
  NODE_FAIL: "failed",
  OUT_OF_MEMORY: "failed",
  PREEMPTED: "failed",
  RECONFIG_FAIL: "failed",
};

/** What stands in the job's folder. */
export interface SlurmRecords {
  /** Unix seconds. */
  readonly startedAt: number | null;
  readonly end: { readonly exitCode: number; readonly endedAt: number } | null;
  readonly isCancelled: boolean;
  readonly isTimedOut: boolean;
}

/**
 * A status from one line of `scontrol show job -o`, with times as Unix seconds, and the job's own records.
 *
 * @param jobName the job's name: numbers are given anew when a cluster is set up again
 */
export function slurmStatus(
  line: string,
  records: SlurmRecords,
  { id, jobName }: { readonly id: string; readonly jobName: string },
): JobStatus {
  const field = (name: string): string | undefined => new RegExp(`(?:^|\\s)${name}=(\\S+)`).exec(line)?.[1];
  if (field("JobId") !== id || field("JobName") !== jobName) return forgotten(records, id);
  const word = field("JobState") ?? "";
  const told = STATES[word] ?? "running";
  const isOver = told !== "queued" && told !== "running";
  const state =
    isOver && records.isTimedOut
      ? "timed-out"
      : isOver && records.isCancelled && told === "failed"
        ? "cancelled"
        : told;
  const reason = field("Reason");
  const nodes = field("NodeList");
  const more =
    told === "queued" && reason !== undefined ? ` (${reason})` : nodes?.startsWith("(") === false ? ` on ${nodes}` : "";
  const [code, signal] = (field("ExitCode") ?? "").split(":").map(Number);
  const exitCode =
    isOver && told !== "cancelled" && code !== undefined && !signal ? code : (records.end?.exitCode ?? null);
  return {
    state,
    detail: excerptOf(
      `Slurm's job ${id} is ${word}${more}${isOver && exitCode !== null ? `, exit code ${exitCode}` : ""}`,
    ),
    startedAt: told === "queued" ? null : milliseconds(records.startedAt ?? unixSeconds(field("StartTime"))),
    endedAt: isOver ? milliseconds(records.end?.endedAt ?? unixSeconds(field("EndTime"))) : null,
    exitCode: isOver ? exitCode : null,
    gpus: null,
  };
}

/** Slurm forgets jobs some minutes after their end; then their own records count. */
function forgotten({ startedAt, end, isCancelled, isTimedOut }: SlurmRecords, id: string): JobStatus {
  const told = end === null ? "it left no record of its end" : `exit code ${end.exitCode}`;
  return {
    state: isTimedOut ? "timed-out" : isCancelled ? "cancelled" : end?.exitCode === 0 ? "succeeded" : "failed",
    detail: `Slurm no longer knows job ${id}: ${told}`,
    startedAt: milliseconds(startedAt),
    endedAt: milliseconds(end?.endedAt ?? null),
    exitCode: end?.exitCode ?? null,
    gpus: null,
  };
}

const milliseconds = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);

/** Unix seconds as Slurm prints them with SLURM_TIME_FORMAT=%s; null for Unknown, N/A, or another format. */
function unixSeconds(text: string | undefined): number | null {
  return text !== undefined && /^\d{9,11}$/.test(text) ? Number(text) : null;
}
