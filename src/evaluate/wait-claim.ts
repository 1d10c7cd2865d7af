/**
 * @file Whether a run may say that "Wait" helps. A teacher that slips on purpose can make a student whose first pass is
 * worse than it need be, so that Wait has something to mend. So Wait is claimed only of a student taught without slips, or
 * beside one, control (a): where the first pass is no more than three points behind it, the slips are not what Wait mends.
 */
import type { Recipe } from "../schema/recipe.ts";
import type { WaitComparison } from "./verdict.ts";

/** Whether the recipe's teacher is known never to slip, so that the run is its own control (a). */
export function isSlipless({ trace: { teacher } }: Recipe): boolean {
  return teacher.type === "builtin" && teacher.slipRate === 0;
}

/** How far the first pass may be behind that of control (a), as a share. */
export const FIRST_PASS_MARGIN = 0.03;
const SIGNIFICANCE = 0.05;

/** What the claim rests on. */
export interface WaitEvidence {
  /** The main student, natural end against Wait. */
  readonly wait: WaitComparison;
  /** Accuracy of the main student at its natural end, 0 to 1; null when nothing was scored. */
  readonly firstPass: number | null;
  /** The same of control (a), which a run with a teacher that never slips is itself; null when it was not run. */
  readonly slipless: number | null;
}

/** Why Wait is claimed, or the first reason why not. */
export type WaitClaim =
  | "claimed"
  | "not-compared"
  | "no-gain"
  | "not-significant"
  | "control-missing"
  | "first-pass-worse";

/** The claim, decided in this order: is there a gain, is it beyond chance, and is it not of the teacher's making. */
export function claimWait({ wait, firstPass, slipless }: WaitEvidence): WaitClaim {
  if (firstPass === null || wait.pValue === null) return "not-compared";
  if (wait.wrongToRight <= wait.rightToWrong) return "no-gain";
  if (wait.pValue >= SIGNIFICANCE) return "not-significant";
  if (slipless === null) return "control-missing";
  // Accuracies are counts over n: the margin itself must not fall to rounding.
  return slipless - firstPass > FIRST_PASS_MARGIN + 1e-9 ? "first-pass-worse" : "claimed";
}
