import type { FileSystem } from "../adapters/file-system.ts";
import type { ProcessTable } from "../adapters/process-table.ts";
import type { Clock } from "../adapters/system-clock.ts";
import { AppError } from "../core/errors.ts";
import type { AcceptedTerms, RunFact, StageName, StageNotes } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { RunObserver } from "./run-events.ts";
import type { Stage } from "./stage.ts";
import type { Verification } from "./stage-folder.ts";

/** The world as the pipeline sees it. */
export interface PipelinePorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly observe: RunObserver;
  /** Facts of this machine for `timings.jsonl`. */
  readonly machine: StageNotes;
}

/** One run, as it is to be. */
export interface RunRequest {
  readonly folder: string;
  readonly recipe: Recipe;
  /** Folder of the base student, resolved. */
  readonly baseFolder: string;
  readonly stages: readonly Stage[];
  readonly facts: Partial<Record<RunFact, string>>;
  /** Versions for the manifest; `grappa` must be among them. */
  readonly tools: Readonly<Record<string, string>>;
  /** The command that makes the same run. */
  readonly command: string;
  readonly signal: AbortSignal;
  /** Last stage to run; the run stays without a manifest when it is not the last there is. */
  readonly until?: StageName;
  /** First stage to run again: its output and all later ones are forgotten. */
  readonly from?: StageName;
  readonly verification?: Verification;
  /** Lets a changed recipe into an existing run. */
  readonly mayChange?: boolean;
  /** Asks again for what was refused for good, or came back unreadable too often, before. */
  readonly retryFailed?: boolean;
  /** Terms of use that hold for this run; kept in its folder and its manifest. */
  readonly acceptedTerms?: readonly AcceptedTerms[];
  /** Throws away everything an earlier run left in the folder, its journal too. */
  readonly isFresh?: boolean;
}

/** Throws AppError "interrupted" once the signal has aborted. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof AppError
    ? signal.reason
    : new AppError("interrupted", "stopped by the user", { isRetryable: true });
}
