import type { Prng } from "../../../core/prng.ts";

/** One kind of contest problem. Its parameters are whole numbers; its answer is one from 0 to 999. */
export interface Template {
  /** Levels at which it is drawn, lowest and highest. */
  readonly levels: readonly [number, number];
  /** Least and largest value of each parameter: what may come back from a file. */
  readonly bounds: readonly (readonly [number, number])[];
  draw(random: Prng, level: number): readonly number[];
  /** The answer by a formula; what is no whole number from 0 to 999 is drawn again. */
  formula(parameters: readonly number[]): bigint;
  /** The answer from the definition, by counting, searching or going step by step; shares nothing with the formula. */
  count(parameters: readonly number[]): number;
  text(parameters: readonly number[]): string;
}

/** Parameters by position, for destructuring. */
export type Four = readonly [number, number, number, number];
