/** @file The port of a programmatic question family: seeded questions, and a verifier that trusts only the text. */
import type { Prng } from "../core/prng.ts";
import type { Question } from "../schema/records.ts";
import type { Problem } from "./steps.ts";

/** Which item of a family to make. */
export interface GenerateOptions {
  readonly seed: number;
  /** Number of steps, 1 to 8. */
  readonly difficulty: number;
}

/** A source of questions with exact answers. */
export interface Family {
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
