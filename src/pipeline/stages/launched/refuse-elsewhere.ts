import type { Launcher } from "../../../adapters/launchers/launcher.ts";
import { AppError } from "../../../core/errors.ts";
import type { JobState } from "./job-state.ts";

/** What the recipe says by now. */
interface Now {
  /** In messages: "the training". */
  readonly what: string;
  readonly type: Launcher["type"];
  readonly place: string;
}

/**
 * Refuses to look for a job where it would not be found: it may run still, and a second one would be started.
 *
 * @throws AppError "usage" where what was begun is with another launcher, or not judged and at another place of the same
 */
export function refuseElsewhere(state: JobState | undefined, { what, type, place }: Now): void {
  if (state === undefined || (state.launcher === type && (state.place === place || state.isJudged))) return;
  const job = state.handle?.id ?? state.name;
  const [before, now] = state.launcher === type ? [`${type} at ${state.place}`, place] : [state.launcher, type];
  throw new AppError("usage", `${what} was begun with ${before} (job ${job}), and the recipe now says ${now}`, {
    hint: "set train.launcher back to go on with it; or stop that job, and run with --from train",
    data: { before: state.launcher, now: type, job, placeBefore: state.place, placeNow: place },
  });
}
