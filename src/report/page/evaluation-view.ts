/** @file What the evaluation of a finished run found: the report's own views of it. */
import type { ControlsView } from "../view/controls.ts";
import type { Headline } from "../view/headline.ts";
import type { SweepView } from "../view/sweep.ts";

/** Accuracy against thinking, and what may be claimed. */
export interface EvaluationView {
  readonly run: string;
  readonly headline: Headline;
  readonly sweep: SweepView;
  readonly controls: ControlsView;
}
