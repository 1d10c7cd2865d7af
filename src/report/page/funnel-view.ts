/** @file From candidates to training examples, as far as a run has come. */
import type { FunnelRow } from "../view/funnel.ts";

/** The funnel of a run. */
export interface FunnelView {
  readonly run: string;
  /** Empty while no stage that sorts out is done. */
  readonly rows: readonly FunnelRow[];
}
