import type { StageName } from "../schema/manifest.ts";
import type { StageProgress } from "./stage.ts";

/** What happens in a run, as it happens. */
export type RunEvent =
  | { readonly type: "run-start"; readonly run: string; readonly stages: readonly StageName[] }
  | { readonly type: "stage-skip"; readonly stage: StageName; readonly key: string }
  | { readonly type: "stage-start"; readonly stage: StageName; readonly key: string; readonly isResumed: boolean }
  | ({ readonly type: "stage-progress"; readonly stage: StageName } & StageProgress)
  | {
      readonly type: "stage-end";
      readonly stage: StageName;
      readonly key: string;
      readonly seconds: number;
      readonly note: string;
    }
  | {
      readonly type: "stage-fail";
      readonly stage: StageName;
      readonly key: string;
      readonly seconds: number;
      readonly error: unknown;
    }
  | { readonly type: "warning"; readonly stage?: StageName; readonly message: string }
  | { readonly type: "run-end"; readonly run: string; readonly isComplete: boolean };

/** Whoever looks on; must not throw. */
export type RunObserver = (event: RunEvent) => void;
