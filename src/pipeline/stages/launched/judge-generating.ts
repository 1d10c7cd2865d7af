/** @file What becomes of a generate job that has ended: done, once more, or an error that says what to do. Pure. */
import type { GenerateStory } from "../../../decode/generate-events.ts";
import { AppError } from "../../../core/errors.ts";
import { formatUsd } from "../../../ledger/money.ts";
import { isOfTry } from "./job-money.ts";
import type { EndedTry, Judgement } from "./run-job.ts";

/** What is known of it. */
export interface JudgedGenerating {
  /** In messages: "the evaluation". */
  readonly what: string;
  readonly story: GenerateStory;
  /** Replies that came back, and that were asked for. */
  readonly replies: number;
  readonly wanted: number;
  /** Replies when the try before ended: whoever comes no further is not tried again. */
  readonly before: number;
  /** Last lines of the log. */
  readonly tail: string;
  /** Takes keys out of what the job says. */
  readonly redact: (text: string) => string;
  /** Where a larger cap is set. */
  readonly capHint: string;
}

/** See the file's head. */
export function judgeGenerating(ended: EndedTry, job: JudgedGenerating): Judgement {
  const { story, replies, wanted, what } = job;
  const { status, stopReason, handle, beganAt } = ended;
  if (replies === wanted && status.state !== "cancelled") return { type: "done" };
  const end = story.end && isOfTry(story.end, beganAt) ? story.end : undefined;
  const isOutOfTime = status.state === "timed-out" || (end?.type === "end" && end.outcome === "stopped");
  if (stopReason === "money" || isOutOfTime) return failed(stoppedByBudget(ended, job));
  if (end?.type === "failure") {
    const { code, message, hint } = end;
    const isPassing = (code === "error" || code === "server-failed") && replies > job.before;
    const said = job.redact(message.slice(0, 2_000));
    if (!isPassing)
      return failed(
        failureOf(`${what} could not go on (${code}): ${said}`, { ...job, hint: hint && job.redact(hint) }),
      );
  }
  if (status.state === "cancelled") {
    const message = `job ${handle.id} was cancelled at ${handle.launcher} after ${replies} of ${wanted} replies`;
    return failed(
      new AppError("provider", message, {
        hint: "run the same command again to go on with it",
        data: { job: handle.id },
      }),
    );
  }
  if (story.starts.length === 0 && replies === 0) {
    const message = `job ${handle.id} failed before a server answered (${status.detail || "no reason told"})`;
    return failed(failureOf(message, { ...job, hint: null }));
  }
  return { type: "again", why: `${status.detail || status.state}, after ${replies} of ${wanted} replies` };
}

const failed = (error: AppError): Judgement => ({ type: "failed", error });

function stoppedByBudget({ cost }: EndedTry, { what, replies, wanted, capHint }: JudgedGenerating): AppError {
  const spent = cost.microUsd > 0 ? ` after ${formatUsd(cost.microUsd)}` : "";
  return new AppError(
    "budget-exceeded",
    `${what} was stopped by its budget${spent}, with ${replies} of ${wanted} replies; they are kept`,
    {
      hint: `raise ${capHint} or maxUsd, with --update, and run again: what is missing is asked for`,
      data: { replies, wanted, costMicroUsd: cost.microUsd },
    },
  );
}

function failureOf(
  message: string,
  { tail, hint }: Pick<JudgedGenerating, "tail"> & { readonly hint: string | null },
): AppError {
  const log = tail === "" ? "" : `\nlast lines of its log:\n${tail}`;
  return new AppError("provider-permanent", `${message}${log}`, {
    hint: hint?.slice(0, 1_000) ?? "see to what the log says, then run the same command again",
  });
}
