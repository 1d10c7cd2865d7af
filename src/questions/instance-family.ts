/**
 * @file Families whose questions are written from a small instance: the instance stands in the question's metadata as JSON
 * and holds nothing that the text does not show. A check reads it back, writes the text again and refuses where the two
 * differ, so that it trusts the text alone and still never has to parse prose.
 */
import { z } from "zod";
import { canonicalJson } from "../core/hash.ts";
import { invariant } from "../core/errors.ts";
import { prng, type Prng } from "../core/prng.ts";
import type { FamilyName } from "../schema/family-names.ts";
import type { Question } from "../schema/records.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import { bucketOf, questionId } from "./bucket.ts";
import type { AnswerCheck, AskedQuestion, RuleFamily } from "./family.ts";

/** Longest answer that is looked at, UTF-16 units. */
export const MAX_ANSWER_LENGTH = 2_000;
/** Longest text and instance of a question of ours, UTF-16 units; more is not read. */
const MAX_QUESTION_LENGTH = 16_384;
/** Draws of one item before its level is called impossible, which would be a bug. */
const MAX_DRAWS = 2_000;

/** An instance, and an answer that is right for it: what the draw was built from. */
export interface Drawn<I> {
  readonly instance: I;
  readonly answer: string;
}

/** What a question is written from. */
export interface QuestionParts<I> {
  readonly name: FamilyName;
  readonly description: string;
  readonly domain: string;
  readonly levels: readonly [string, string, string, string, string];
  /** Shape and bounds of an instance: what may come back from a file, so every number needs a limit. */
  readonly instance: z.ZodType<I>;
  /** One draw; null where it came out unfit (no unique solution, too large) and the next is to be taken. */
  draw(random: Prng, level: number): Drawn<I> | null;
  /** The question, a function of the instance; `wording` varies the words and is itself seeded by the instance. */
  text(instance: I, wording: Prng): string;
}

/** What tells one rule family from another. `A` is an answer that has been read. */
export interface InstanceFamilyParts<I, A> extends QuestionParts<I> {
  /** How the last line of a reply must look, and what its letters stand for: `["N", "N is a whole number"]`. */
  readonly answerForm: readonly [form: string, meaning: string];
  /** Reads an answer; null where it is not of the stated form. */
  read(answerText: string, instance: I): A | null;
  /** Whether the answer meets the instance's conditions. */
  isRight(instance: I, answer: A): boolean;
}

/** The family made of these parts. */
export function instanceFamily<I, A>(parts: InstanceFamilyParts<I, A>): RuleFamily {
  const [form, meaning] = parts.answerForm;
  const ending = `End your reply with the line "Answer: ${form}", where ${meaning}.`;
  const writer = questionWriter({ ...parts, text: (i, wording) => `${parts.text(i, wording)}\n\n${ending}` });
  const check = (question: AskedQuestion, answerText: string): AnswerCheck => {
    const instance = writer.read(question);
    if (instance === null) return "gold_error";
    const answer = answerText.length > MAX_ANSWER_LENGTH ? null : parts.read(answerText, instance);
    if (answer === null) return "answer_parse_error";
    return parts.isRight(instance, answer) ? "correct" : "incorrect";
  };
  const { name, description, domain, levels } = parts;
  return {
    name,
    description,
    domain,
    levels,
    checkedBy: "rule",
    generate: (index, options) => writer.generate(index, options).question,
    check,
    verify: (question, answerText) => check(question, answerText) === "correct",
  };
}

/** Writes questions from instances and reads the instances back. */
export interface QuestionWriter<I> {
  generate(index: number, options: { seed: number; difficulty: number }): { question: Question; instance: I };
  /** The instance of a question; null where it has none, or one that another text is written from. */
  read(question: AskedQuestion): I | null;
}

/** The writer of a family's questions. */
export function questionWriter<I>(parts: QuestionParts<I>): QuestionWriter<I> {
  const { name, levels } = parts;
  // The words depend on the instance alone: one instance in two wordings could fall on both sides of the split.
  const write = (instance: I): string => parts.text(instance, prng(`wording/${name}/${canonicalJson(instance)}`));
  return {
    generate(index, { seed, difficulty }) {
      invariant(Number.isInteger(difficulty) && levels[difficulty - 1] !== undefined, `${name} has no such level`);
      const { instance, answer } = drawn(parts, prng(`${seed}/${name}/${difficulty}/${index}`), difficulty);
      const text = write(instance);
      return { instance, question: questionOf(parts, { text, answer, difficulty, instance }) };
    },
    read({ text, metadata }) {
      const json = metadata.instance;
      if (typeof json !== "string" || Math.max(json.length, text.length) > MAX_QUESTION_LENGTH) return null;
      const { data } = parts.instance.safeParse(parsedJson(json));
      return data !== undefined && write(data) === text ? data : null;
    },
  };
}

function drawn<I>(parts: QuestionParts<I>, random: Prng, level: number): Drawn<I> {
  for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
    const found = parts.draw(random, level);
    if (found !== null) return found;
  }
  throw new Error(`bug in grappa: family ${parts.name}: no item of level ${level} in ${MAX_DRAWS} draws`);
}

function questionOf<I>(
  { name, domain }: QuestionParts<I>,
  item: { text: string; answer: string; difficulty: number; instance: I },
): Question {
  const { text, answer, difficulty, instance } = item;
  return {
    schemaVersion: SCHEMA_VERSION,
    id: questionId(text),
    text,
    answer,
    family: name,
    domain: `${domain}/${name}`,
    difficulty,
    bucket: bucketOf(text),
    metadata: { instance: JSON.stringify(instance) },
  };
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // no JSON is no instance
  }
}

/** What a level means to a generator: the entry at its place; levels count from 1. */
export function atLevel<T>(settings: readonly T[], level: number): T {
  invariant(level >= 1 && level <= settings.length, `no settings of level ${level}`);
  return settings[level - 1] as T;
}

/** A whole number within bounds, for instances. */
export const whole = (low: number, high: number) => z.int().min(low).max(high);
