/** @file The port of the two families of step chains, in whose notation the embedded base reasons: a verifier that trusts only the text. */
import type { Prng } from "../core/prng.ts";
import type { Question } from "../schema/records.ts";
import type { GenerateOptions } from "./family.ts";
import type { Problem } from "./steps.ts";

/** Questions that are chains of steps; a difficulty is a number of steps, 1 to 8. */
export interface ChainFamily {
  readonly name: "arithmetic" | "program";
  /** Item `index` of the endless sequence (seed, difficulty): random access, no state. */
  generate(index: number, options: GenerateOptions): Question;
  /** A question from a random stream, refusing any whose beginnings `accept` refuses; used for base text. */
  draw(random: Prng, steps: number, accept: (beginning: Problem) => boolean): Problem;
  /** Writes a problem as a question. */
  text(problem: Problem): string;
  /** Reads a question's text; null when it is not of this family or leaves 0..999. */
  parse(questionText: string): Problem | null;
  /** Whether `answerText` is what the question's text works out to, by running the text: no stored answer is used. */
  verify(questionText: string, answerText: string): boolean;
}
