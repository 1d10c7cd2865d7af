/** @file What the hub's words for a job and its hardware mean to us. */
import { excerptOf } from "../teacher/excerpt.ts";
import type { RemoteJob } from "./hf-jobs-client.ts";
import type { JobStatus } from "./launcher.ts";

/** GPUs of a hardware by its name, such as 8 of `h200x8`; the hub's list says it for certain when a job is submitted. */
export function gpusOfFlavor(flavor: string): number {
  if (/^(cpu|sprx|inf)/.test(flavor)) return 0;
  return Number(/x(\d{1,2})$/.exec(flavor)?.[1] ?? 1);
}

const STATES: Readonly<Record<string, JobStatus["state"]>> = {
  RUNNING: "running",
  COMPLETED: "succeeded",
  CANCELED: "cancelled",
  CANCELLED: "cancelled",
  STOPPED: "cancelled",
  DELETED: "cancelled",
  DELETING: "cancelled",
  ERROR: "failed",
  PAUSED: "failed",
};

/** A job's status; a stage that is not known is one before the start. The exit code is told in words at best. */
export function statusOf({ status, startedAt, finishedAt, flavor }: RemoteJob): JobStatus {
  const message = status.message ?? "";
  const said = STATES[status.stage] ?? "queued";
  const state = said === "failed" && /time(d )?[ -]?out/i.test(message) ? "timed-out" : said;
  const code = /exit (?:code|status):? (-?\d{1,3})\b/i.exec(message)?.[1];
  return {
    state,
    detail: excerptOf(message === "" ? status.stage.toLowerCase() : `${status.stage.toLowerCase()}: ${message}`),
    startedAt,
    endedAt: finishedAt,
    exitCode: code !== undefined ? Number(code) : state === "succeeded" ? 0 : null,
    // A CPU machine is paid for by the hour as well: how many units of it is the recipe's to say.
    gpus: (flavor && gpusOfFlavor(flavor)) || null,
  };
}

/** Whether a job is over, in whatever way. */
export const isEnded = ({ state }: Pick<JobStatus, "state">): boolean => state !== "queued" && state !== "running";
