/** @file Labelled pairs of gold and reply, made from a seed: what a property test, the bench and the oracle run on. */
import { type Prng, prng } from "../../../src/core/prng.ts";
import { EXPRESSIONS } from "./expressions.ts";
import type { Forms, GeneratedGold, GoldKind } from "./generated-gold.ts";
import { NUMBERS } from "./numbers.ts";
import { RELATIONS } from "./relations.ts";
import { LATEX_REPLIES, PLAIN_REPLIES, type Reply } from "./replies.ts";
import { STRUCTURES } from "./structures.ts";
import { WORDS } from "./words.ts";

/** A gold and a reply to it, with the truth by construction. */
export interface LabelledPair {
  readonly kind: string;
  /** What was done to the gold, and how the reply states it. */
  readonly how: string;
  readonly gold: string;
  readonly pred: string;
  readonly isCorrect: boolean;
}

/** Every kind of generated gold by name. */
export const KINDS: Readonly<Record<string, GoldKind>> = {
  ...NUMBERS,
  ...EXPRESSIONS,
  ...STRUCTURES,
  ...RELATIONS,
  ...WORDS,
};

/** A gold goes through extraction too. */
const delimited = (gold: string): string => `$${gold}$`;

function pairsOf(kind: string, { gold, same, other }: GeneratedGold, random: Prng): LabelledPair[] {
  const one =
    (isCorrect: boolean, replies: Readonly<Record<string, Reply>>) =>
    ([name, text]: readonly [string, string]): LabelledPair => {
      const [stated, reply] = random.pick(Object.entries(replies));
      return { kind, how: `${name}; ${stated}`, gold: delimited(gold), pred: reply(text), isCorrect };
    };
  const all = (forms: Forms, isCorrect: boolean): LabelledPair[] => [
    ...Object.entries(forms.latex ?? {}).map(one(isCorrect, LATEX_REPLIES)),
    ...Object.entries(forms.plain ?? {}).map(one(isCorrect, PLAIN_REPLIES)),
  ];
  const itself = one(true, LATEX_REPLIES)(["itself", gold]);
  return [itself, ...all(same, true), ...all(other, false)];
}

/** At least `count` labelled pairs, the kinds taking turns; the same seed gives the same pairs. */
export function generatePairs(seed: number, count: number): LabelledPair[] {
  const pairs: LabelledPair[] = [];
  for (let round = 0; pairs.length < count; round++) {
    for (const [kind, generate] of Object.entries(KINDS)) {
      const random = prng(`grade-pairs/${seed}/${round}/${kind}`);
      pairs.push(...pairsOf(kind, generate(random), random));
    }
  }
  return pairs;
}
