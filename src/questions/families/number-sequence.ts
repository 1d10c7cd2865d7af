import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { readInteger } from "../read-answer.ts";

/** Kinds of rule, with the words that make the next term certain. */
const RULES = {
  arithmetic: "each term is the one before it plus a fixed number",
  geometric: "each term is the one before it times a fixed number",
  quadratic: "the differences between neighbouring terms themselves grow by a fixed number",
  affine: "each term is the one before it times a fixed number, plus another fixed number",
  recurrent:
    "each term from the third on is a fixed multiple of the one before it plus a fixed multiple of the one before that",
} as const;
type Rule = keyof typeof RULES;
const KINDS = Object.keys(RULES) as Rule[];

/** A sequence whose kind of rule is told, since terms alone would fit any number of rules. */
export const numberSequence = instanceFamily({
  name: "number-sequence",
  description: "the next term of a sequence whose kind of rule is told",
  domain: "algebra",
  levels: [
    "fixed difference",
    "fixed ratio",
    "quadratic",
    "times a number plus a number",
    "combination of the two terms before",
  ],
  instance: z.strictObject({ rule: z.enum(KINDS), terms: z.array(whole(-1e9, 1e9)).length(6) }),
  draw(random, level) {
    const rule = atLevel(KINDS, level);
    const sign = (): number => random.pick([1, -1]);
    const factor =
      random.int(2, rule === "recurrent" ? 3 : 4) * (rule === "geometric" || rule === "affine" ? sign() : 1);
    const second = random.int(1, 3) * sign();
    const [start, step, growth] = [random.int(1, 40) * sign(), random.int(1, 40) * sign(), random.int(1, 12) * sign()];
    const terms = [start];
    for (let n = 1; n < 7; n++) {
      const [last, before] = [terms[n - 1] as number, terms[n - 2] ?? start + step];
      if (rule === "arithmetic") terms.push(last + step);
      else if (rule === "geometric") terms.push(last * factor);
      else if (rule === "quadratic") terms.push(last + step + (n - 1) * growth);
      else if (rule === "affine") terms.push(last * factor + step);
      else terms.push(n === 1 ? start + step : factor * last + second * before);
    }
    const shown = terms.slice(0, 6);
    return nextOf(rule, shown) === terms[6] ? { instance: { rule, terms: shown }, answer: String(terms[6]) } : null;
  },
  text: ({ rule, terms }, wording) =>
    `${wording.pick(["What is the next term of the sequence", "Find the term that follows in the sequence", "Continue by one term the sequence"])} ${terms.join(", ")}, ...? In it ${RULES[rule]}.`,
  answerForm: ["N", "N is a whole number, with a minus sign if it is negative"],
  read: readInteger,
  isRight: ({ rule, terms }, answer) => {
    const next = nextOf(rule, terms);
    return Number.isSafeInteger(next) && BigInt(next as number) === answer;
  },
});

/** The next term, worked out from the terms alone; null, or no whole number, where they do not determine it. */
function nextOf(rule: Rule, terms: readonly number[]): number | null {
  const [a, b, c, d, e, f] = terms as [number, number, number, number, number, number];
  if (rule === "arithmetic") return f + (b - a);
  if (rule === "geometric") return (f * f) / e;
  if (rule === "quadratic") return 3 * f - 3 * e + d;
  if (rule === "affine") return b === a ? null : ((c - b) / (b - a)) * (f - e) + f;
  // c = p b + q a and d = p c + q b, solved for p and q.
  const determinant = b * b - a * c;
  if (determinant === 0) return null;
  return ((b * c - a * d) * f + (b * d - c * c) * e) / determinant;
}
