/** @file What the programmatic families share: from a notation, a parser and a domain to the {@link ChainFamily} port. */
import { prng } from "../core/prng.ts";
import type { Question } from "../schema/records.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import { bucketOf, normaliseQuestion, questionId } from "./bucket.ts";
import { drawProblem, type Notation } from "./draw-problem.ts";
import type { ChainFamily } from "./chain-family.ts";
import { isInRange, keyAt, MAX_STEPS, parseItem, type Problem, runningValues, type Step } from "./steps.ts";

/** Texts longer than this are no question of ours; the longest of 8 steps has 154 characters. */
const MAX_TEXT_LENGTH = 200;

/** What tells one family from another. */
export interface ChainParts {
  readonly name: ChainFamily["name"];
  readonly notation: Notation;
  /** Splits a normalised text into start digits and items; null when the frame does not fit. */
  readonly split: (text: string) => { start: string; items: readonly string[] } | null;
  /** Subject within the family, a function of the problem alone. */
  readonly domain: (problem: Problem) => string;
}

/** The family made of these parts. */
export function makeChainFamily({ name, notation, split, domain }: ChainParts): ChainFamily {
  const parse = (questionText: string): Problem | null => {
    if (questionText.length > MAX_TEXT_LENGTH) return null;
    const frame = split(normaliseQuestion(questionText));
    if (frame === null || frame.items.length < 1 || frame.items.length > MAX_STEPS) return null;
    const start = Number(frame.start);
    const steps = frame.items.map(parseItem).filter((step): step is Step => step !== null);
    if (steps.length !== frame.items.length || !isInRange(start)) return null;
    const problem = { start, steps };
    // Written back, the text must be the same: one question, one spelling.
    const isCanonical = notation.text(problem) === normaliseQuestion(questionText);
    const isKeyedInOrder = steps.every((step, i) => step.key === keyAt(i));
    return isCanonical && isKeyedInOrder && runningValues(problem) !== null ? problem : null;
  };
  return {
    name,
    parse,
    text: (problem) => notation.text(problem),
    generate(index, { seed, difficulty }) {
      const random = prng(`${seed}/${name}/${difficulty}/${index}`);
      return toQuestion(drawProblem(random, { notation, steps: difficulty }));
    },
    draw: (random, steps, accept) => drawProblem(random, { notation, steps, accept }),
    verify(questionText, answerText) {
      const problem = parse(questionText);
      const digits = /^[0-9]{1,3}$/.exec(answerText.slice(0, 100).trim());
      if (problem === null || digits === null || answerText.length > 100) return false;
      return runningValues(problem)?.at(-1) === Number(digits[0]);
    },
  };

  function toQuestion(problem: Problem): Question {
    const text = notation.text(problem);
    return {
      schemaVersion: SCHEMA_VERSION,
      id: questionId(text),
      text,
      answer: String(runningValues(problem)?.at(-1)),
      family: name,
      domain: `${name}/${problem.steps.length}-steps-${domain(problem)}`,
      difficulty: problem.steps.length,
      bucket: bucketOf(text),
      metadata: {},
    };
  }
}
