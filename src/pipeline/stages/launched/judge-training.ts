/** @file What becomes of a training whose job has ended: done, once more, or an error that says what to do. Pure. */
import { AppError } from "../../../core/errors.ts";
import { formatUsd } from "../../../ledger/money.ts";
import type { TrainingStory } from "../../../train/training-events.ts";
import { isOfTry } from "./job-money.ts";
import type { EndedTry, Judgement } from "./run-job.ts";

/** What is known of it. */
export interface JudgedTraining {
  readonly story: TrainingStory;
  /** Newest step when the try before ended: whoever comes no further is not tried again. */
  readonly stepBefore: number;
  readonly totalSteps: number;
  /** Last lines of the log. */
  readonly tail: string;
  /** Takes keys out of what the job says. */
  readonly redact: (text: string) => string;
  /** Where its folder lies, for a person. */
  readonly place: string;
}

/** See the file's head. */
export function judgeTraining(ended: EndedTry, training: JudgedTraining): Judgement {
  const { story, totalSteps } = training;
  const { status, stopReason, beganAt } = ended;
  const { lastStep } = story;
  // Nothing is tried after this one: it is of this try.
  if (story.end?.outcome === "completed" && story.end.model !== null && status.state !== "cancelled")
    return { type: "done" };
  const end = story.end && isOfTry(story.end, beganAt) ? story.end : undefined;
  const failure = story.failure && isOfTry(story.failure, beganAt) ? story.failure : undefined;
  if (stopReason !== undefined && stopReason !== "money")
    return failed(new AppError("engine", `the training was stopped: ${stopReason}`, { data: { step: lastStep } }));
  if (stopReason === "money" || end?.outcome === "stopped" || status.state === "timed-out")
    return failed(stoppedByBudget(ended, training));
  if (failure !== undefined) {
    const isPassing = failure.code === "error" && lastStep > training.stepBefore;
    if (!isPassing) return failed(failureOf(failure, training));
  }
  if (status.state === "cancelled") return failed(cancelled(ended, training));
  if (status.state === "failed" && lastStep === 0 && failure === undefined && story.start === undefined)
    return failed(neverStarted(ended, training));
  const at = `${status.detail || status.state}, after step ${lastStep} of ${totalSteps}`;
  return { type: "again", why: at };
}

const failed = (error: AppError): Judgement => ({ type: "failed", error });

function stoppedByBudget({ cost, status }: EndedTry, { story, totalSteps, place }: JudgedTraining): AppError {
  const { checkpoint } = story;
  const kept =
    checkpoint === undefined ? "no checkpoint was written yet" : `its checkpoint of step ${checkpoint.step} is kept`;
  const spent = cost.microUsd > 0 ? ` after ${formatUsd(cost.microUsd)}` : "";
  const why = status.state === "timed-out" ? "ran out of its time" : "was stopped by its budget";
  return new AppError(
    "budget-exceeded",
    `the training ${why}${spent}, at step ${story.lastStep} of ${totalSteps}; ${kept} (${place})`,
    {
      hint: "raise train.maxUsd (--set train.maxUsd=...) or maxUsd, with --update, and run again: it goes on from there",
      data: {
        step: story.lastStep,
        totalSteps,
        checkpoint: checkpoint?.step ?? null,
        costMicroUsd: cost.microUsd,
        place,
      },
    },
  );
}

function failureOf(failure: NonNullable<TrainingStory["failure"]>, { tail, place, redact }: JudgedTraining): AppError {
  const { code, message, hint } = failure;
  const log = code === "error" && tail !== "" ? `\nlast lines of its log:\n${tail}` : "";
  return new AppError(
    "provider-permanent",
    `the trainer refused to go on (${code}): ${redact(message.slice(0, 2_000))}${log}`,
    {
      hint: (hint && redact(hint.slice(0, 1_000))) ?? `its folder: ${place}`,
      data: { code, place },
    },
  );
}

function cancelled({ handle, status }: EndedTry, { story, place }: JudgedTraining): AppError {
  return new AppError(
    "provider",
    `job ${handle.id} was cancelled at ${handle.launcher}, at step ${story.lastStep} (${status.detail || "no reason told"})`,
    {
      hint: `run the same command again to go on from its last checkpoint (${place})`,
      data: { job: handle.id, step: story.lastStep },
    },
  );
}

function neverStarted({ handle, status }: EndedTry, { tail }: JudgedTraining): AppError {
  const exit = status.exitCode === null ? "" : `, exit status ${status.exitCode}`;
  const log = tail === "" ? "" : `\nlast lines of its log:\n${tail}`;
  return new AppError(
    "provider-permanent",
    `job ${handle.id} failed before the trainer started (${status.detail || "no reason told"}${exit})${log}`,
    {
      hint: "see to what the log says, then run the same command again",
      data: { job: handle.id, exitCode: status.exitCode },
    },
  );
}
