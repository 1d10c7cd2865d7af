/** @file `aime24:8`: a task and how often each of its questions is asked. */
import { AppError } from "../../core/errors.ts";

/** More samples than this of one question are a slip of the keyboard. */
export const MAX_SAMPLES = 10_000;

/** A task as the command line names it. */
export interface TaskSpec {
  /** A task's name, or a task file's path. */
  readonly name: string;
  /** Samples of each question. */
  readonly samples: number;
}

/**
 * Reads `NAME` or `NAME:N`. Only digits after the last colon are a number of samples, so that `C:\tasks\mine.json` is a path.
 *
 * @throws AppError "usage" for an empty name, and for a number that is not 1 to {@link MAX_SAMPLES}.
 */
export function parseTaskSpec(text: string): TaskSpec {
  const match = /^(.*):([0-9]+)$/s.exec(text);
  const name = match?.[1] ?? text;
  if (name.trim() === "")
    throw new AppError("usage", `"${text}" names no task`, { hint: "write TASK or TASK:SAMPLES" });
  if (match === null) return { name, samples: 1 };
  const samples = Number(match[2]);
  if (samples >= 1 && samples <= MAX_SAMPLES) return { name, samples };
  throw new AppError("usage", `${text}: ${match[2]} samples; expected 1 to ${MAX_SAMPLES}`);
}
