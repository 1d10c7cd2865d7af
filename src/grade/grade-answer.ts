/**
 * @file Grades an answer against its gold: extraction, typed parse, comparison. Pure, and bounded by counts instead of timers,
 * so that the same input has the same verdict everywhere. Two extractors look at each reply; where the one for marked places
 * finds nothing, the one for last values decides, and both outcomes are told.
 */
import type { Verdict } from "../schema/evaluation.ts";
import type { GradeOutcome } from "../schema/records.ts";
import { anchoredChoice, choiceOf, flexibleChoice, type FoundChoice } from "./choice-profile.ts";
import { answerRegion } from "./extract/answer-region.ts";
import { anchoredCandidates, flexibleCandidates, MAX_REPLY_CHARACTERS } from "./extract/candidates.ts";
import type { Targets } from "./extract/last-value.ts";
import {
  extractFor,
  type Extracted,
  firstReadable,
  isAnswerInWords,
  gradeExtracted,
  type MathsFinding,
  type MathsGold,
  type MathsOptions,
  readMathsGold,
  valueOf,
} from "./maths-profile.ts";
import { canonicalForm } from "./maths/canonical.ts";
import { compareTrees } from "./maths/compare.ts";
import { formText } from "./maths/form-text.ts";
import { isWhole } from "./maths/rational.ts";
import { type KnownReadings, readAnswer } from "./maths/read-answer.ts";
import type { Tree } from "./maths/tree.ts";
import { Work } from "./maths/work.ts";

/** Raised whenever the same reply could get another verdict; stands in every evaluation log. */
export const GRADER_VERSION = "maths-1";

/** How strict a comparison is: `math` (any form of the value), `aime` (a whole number, 0 to 999), `gsm8k`, `mcq`, `exact`. */
export const GRADE_PROFILES = ["math", "aime", "gsm8k", "mcq", "exact"] as const;
export type GradeProfile = (typeof GRADE_PROFILES)[number];

/** What a case may change; the defaults are for model replies. */
export interface GradeOptions {
  /** What extraction looks for: LaTeX set apart, plain expressions; both by default. */
  readonly targets?: Targets;
  /** Decimals to which decimals are compared; 6 by default, and then no fewer digits for small numbers. */
  readonly precision?: number;
  /** Whether variables must match by name, and sets are no points; true by default. */
  readonly strict?: boolean;
  /** Whether a gold set may be answered by an inequality; false by default. */
  readonly allowSetRelationComparison?: boolean;
}

/** A gold that has been read once, to grade many replies against. */
export interface CompiledGold {
  readonly text: string;
  readonly profile: GradeProfile;
  readonly options: GradeOptions;
  /** Its canonical form, as {@link answerClass} gives it. */
  readonly canonical: string;
  /** The gold as a tree; null for the profiles that compare letters or text. */
  readonly maths: MathsGold | null;
}

/** A gold, or why it cannot be one: a task that holds such a gold must not load. */
export type GoldReading =
  | { readonly status: "ok"; readonly gold: CompiledGold }
  | { readonly status: "error"; readonly reason: string };

const BOTH: Targets = ["latex", "expr"];
const CANONICAL_WORK = 3_000;
const MAX_AIME = 999n;

/** Reads a gold: an answer, or a whole solution that states one. A gold that would not be graded correct itself is none. */
export function compileGold(text: string, profile: GradeProfile = "math", options: GradeOptions = {}): GoldReading {
  const reading = readGold(text, profile, options);
  if (reading.status === "error") return reading;
  if (isReadAsItself(reading.gold)) return reading;
  const { outcome, explanation } = gradeAnswer(reading.gold, text);
  return outcome === "correct"
    ? reading
    : { status: "error", reason: `the gold does not equal itself: ${explanation}` };
}

/** The quick way to see that a gold equals itself: as a reply it is read into the same form. */
function isReadAsItself({ text, maths, profile, options }: CompiledGold): boolean {
  if (maths === null || profile !== "math") return false;
  const found = extractFor(maths, anchoredCandidates(answerRegion(text), options.targets ?? BOTH));
  return found.status === "ok" && formText(found.reading.trees[0]) === formText(maths.trees[0]);
}

function readGold(text: string, profile: GradeProfile, options: GradeOptions): GoldReading {
  if (text.length > MAX_REPLY_CHARACTERS)
    return { status: "error", reason: `the gold has ${text.length} characters, more than ${MAX_REPLY_CHARACTERS}` };
  const ok = (canonical: string, maths: MathsGold | null = null): GoldReading => ({
    status: "ok",
    gold: { text, profile, options, canonical, maths },
  });
  if (text.trim() === "") return { status: "error", reason: "the gold is empty" };
  if (profile === "exact") return ok(exactForm(text));
  if (profile === "mcq") {
    const letter = choiceOf(text) ?? anchoredChoice(text)?.letter ?? null;
    return letter === null ? { status: "error", reason: "the gold is no letter from A to J" } : ok(letter);
  }
  const maths = readMathsGold(text, options.targets ?? BOTH);
  if (typeof maths === "string") return { status: "error", reason: maths };
  if (profile === "math") return ok(canonicalForm(valueOf(maths.trees[0]), new Work(CANONICAL_WORK)), maths);
  const number = plainNumber(maths.trees[0]);
  if (number === null || (profile === "aime" && !isAimeAnswer(number)))
    return {
      status: "error",
      reason: profile === "aime" ? "the gold is no whole number from 0 to 999" : "the gold is no number",
    };
  return ok(canonicalForm(number, new Work(CANONICAL_WORK)), { ...maths, trees: [number] });
}

/** Grades a reply, of which the answer region alone counts. */
export function gradeAnswer(gold: CompiledGold, reply: string): Verdict {
  if (reply.length > MAX_REPLY_CHARACTERS)
    return verdict({ outcome: "answer_limit", extracted: null, canonical: null, rule: "reply-length" }, null, gold);
  const region = answerRegion(reply);
  if (gold.profile === "exact") return gradeExactly(gold, region);
  if (gold.profile === "mcq") return gradeChoice(gold, region);
  const targets = gold.options.targets ?? BOTH;
  const maths = gold.maths as MathsGold;
  const known: KnownReadings = new Map();
  const [first, second] = [anchoredCandidates, flexibleCandidates].map((look) =>
    extractFor(maths, look(region, targets), known),
  );
  const anchored = gradeFound(gold, first as Extracted);
  // Most replies state one answer: what both extractors read in the same way is compared once.
  const flexible = isSameReading(first, second)
    ? { ...anchored, extracted: second.candidate.text.trim() }
    : gradeFound(gold, second as Extracted);
  return verdict(anchored.outcome === "no_answer" ? flexible : anchored, flexible, gold);
}

function verdict(finding: MathsFinding, flexible: MathsFinding | null, gold: CompiledGold): Verdict {
  const { outcome, extracted, canonical, rule } = finding;
  const explanation = explain(outcome, finding, gold);
  const second = flexible && { outcome: flexible.outcome, extracted: flexible.extracted };
  return { outcome, extracted, canonical, rule, explanation, flexible: second };
}

const MAX_SHOWN = 60;

function explain(outcome: GradeOutcome, { extracted, rule }: MathsFinding, gold: CompiledGold): string {
  const shown = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
  switch (outcome) {
    case "correct":
    case "incorrect":
      return `${shown(extracted ?? "")} is ${outcome === "correct" ? "" : "not "}${shown(gold.canonical)} (${rule})`;
    case "no_answer":
      return "no answer was found";
    case "answer_parse_error":
      return `${shown(extracted ?? "")} cannot be read`;
    case "answer_limit":
      return `the answer is too large to compare (${rule})`;
    default:
      return "";
  }
}

function optionsOf({ precision, strict = true, allowSetRelationComparison = false }: GradeOptions): MathsOptions {
  return {
    precision: precision ?? 6,
    isPrecisionGiven: precision !== undefined,
    isStrict: strict,
    mayRelationBeSet: allowSetRelationComparison,
  };
}

type FoundAnswer = Extract<Extracted, { status: "ok" }>;

function isSameReading(a: Extracted | undefined, b: Extracted | undefined): b is FoundAnswer {
  if (a?.status !== "ok" || b?.status !== "ok" || a.reading.trees.length !== b.reading.trees.length) return false;
  return a.reading.trees.every((tree, index) => formText(tree) === formText(b.reading.trees[index] as Tree));
}

function gradeFound(gold: CompiledGold, found: Extracted): MathsFinding {
  const { maths, profile, options } = gold;
  if (maths === null) throw new Error(`bug in grappa: profile ${profile} has no tree`);
  if (profile === "math" || found.status !== "ok") return gradeExtracted(maths, found, optionsOf(options));
  return gradeNumber(gold, maths, found);
}

/** The strict profiles: the answer must be a number as it stands, and for AIME a whole one within its range. */
function gradeNumber(gold: CompiledGold, maths: MathsGold, found: FoundAnswer): MathsFinding {
  const number = found.reading.trees.map(plainNumber).find((tree) => tree !== null) ?? null;
  const extracted = found.candidate.text.trim();
  const { rule } = found.candidate;
  if (number === null) return { outcome: "incorrect", extracted, canonical: null, rule: `${rule}/no-number` };
  const canonical = canonicalForm(number, new Work(CANONICAL_WORK));
  if (gold.profile === "aime" && !isAimeAnswer(number))
    return { outcome: "incorrect", extracted, canonical, rule: `${rule}/not-0-to-999` };
  const options = { ...optionsOf(gold.options), work: new Work(CANONICAL_WORK) };
  const same = compareTrees(maths.trees[0], number, options);
  return {
    outcome: same === null ? "incorrect" : "correct",
    extracted,
    canonical,
    rule: `${rule}/${same ?? "different"}`,
  };
}

/** A number written as one, perhaps with a name, a sign or a degree sign; null for anything that must be worked out. */
function plainNumber(tree: Tree): Tree | null {
  const value = valueOf(tree);
  if (value.type === "degrees") return plainNumber(value.value);
  if (value.type === "set") {
    const [only] = value.items;
    return value.items.length === 1 && only !== undefined ? plainNumber(only) : null;
  }
  return value.type === "number" ? value : null;
}

function isAimeAnswer(tree: Tree): boolean {
  if (tree.type !== "number" || !isWhole(tree.value)) return false;
  return tree.value.numerator >= 0n && tree.value.numerator <= MAX_AIME;
}

function gradeChoice(gold: CompiledGold, region: string): Verdict {
  const flexible = flexibleChoice(region);
  const of = (found: FoundChoice | null): MathsFinding =>
    found === null
      ? { outcome: "no_answer", extracted: null, canonical: null, rule: "none" }
      : {
          outcome: found.letter === gold.canonical ? "correct" : "incorrect",
          extracted: found.text,
          canonical: found.letter,
          rule: `${found.rule}/letter`,
        };
  return verdict(of(anchoredChoice(region) ?? flexible), of(flexible), gold);
}

function exactForm(text: string): string {
  return text.normalize("NFC").trim();
}

function gradeExactly(gold: CompiledGold, region: string): Verdict {
  const answer = exactForm(region);
  if (answer === "")
    return verdict({ outcome: "no_answer", extracted: null, canonical: null, rule: "none" }, null, gold);
  const outcome = answer === gold.canonical ? "correct" : "incorrect";
  return verdict({ outcome, extracted: answer, canonical: answer, rule: "whole/text" }, null, gold);
}

/**
 * The class of an answer for a vote: equal texts for equal answers, whatever form they were written in. Takes a whole reply
 * or a bare answer; null where there is none that can be read.
 */
export function answerClass(answer: string, profile: GradeProfile = "math"): string | null {
  const region = answerRegion(answer.slice(0, MAX_REPLY_CHARACTERS));
  if (profile === "exact") return exactForm(region) === "" ? null : exactForm(region);
  if (profile === "mcq") return (anchoredChoice(region) ?? flexibleChoice(region))?.letter ?? null;
  const candidates = [...anchoredCandidates(region, BOTH), ...flexibleCandidates(region, BOTH)];
  const found = firstReadable(
    candidates,
    "reply",
    ({ kind }, { isProse, text, rule }) =>
      kind === "maths" || !isProse || (rule !== "last-value" && isAnswerInWords(text, { isText: false })),
  );
  const tree = found.status === "ok" ? found.reading.trees[0] : textOf(region);
  return tree === null ? null : canonicalForm(valueOf(tree), new Work(CANONICAL_WORK));
}

function textOf(region: string): Tree | null {
  if (region.length > 80) return null;
  const reading = readAnswer(region, "reply");
  return reading.status === "ok" ? reading.trees[0] : null;
}
