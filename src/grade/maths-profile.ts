/** @file Grades by the value of a maths answer: the profiles `math`, `aime` and `gsm8k`. */
import { anchoredCandidates, type Candidate, flexibleCandidates } from "./extract/candidates.ts";
import type { Targets } from "./extract/last-value.ts";
import type { GradeOutcome } from "../schema/records.ts";
import { assignedValues } from "./maths/assignments.ts";
import { canonicalForm } from "./maths/canonical.ts";
import { compareTrees, type CompareOptions } from "./maths/compare.ts";
import { type KnownReadings, readAnswer, type Reading } from "./maths/read-answer.ts";
import { isKnownPhrase, plainWords, sayTheSame } from "./maths/text-answers.ts";
import { freeSymbols, type Tree } from "./maths/tree.ts";
import { areUnitsApart, type NamedUnit, unitOf } from "./maths/units.ts";
import { Work } from "./maths/work.ts";

/** Work that one comparison may take: some 30 ms at worst. */
const COMPARISON_WORK = 10_000;
const CANONICAL_WORK = 3_000;

/** What a maths gold comes down to. */
export interface MathsGold {
  readonly trees: readonly [Tree, ...Tree[]];
  readonly isText: boolean;
  /** Whether it has variables; an answer that is nothing but a variable cannot be the value of one that has none. */
  readonly hasSymbols: boolean;
  /** The unit that it names. */
  readonly unit: NamedUnit | null;
}

/** How answers are compared, without the budget of work. */
export type MathsOptions = Omit<CompareOptions, "work">;

/** What one extractor found and what came of it. */
export interface MathsFinding {
  readonly outcome: GradeOutcome;
  readonly extracted: string | null;
  readonly canonical: string | null;
  readonly rule: string;
}

type ReadAnswerOf = Extract<Reading, { status: "ok" }>;

/** The first candidate that can be read as an answer, or why there is none. */
export type Extracted =
  | { readonly status: "ok"; readonly candidate: Candidate; readonly reading: ReadAnswerOf }
  | { readonly status: "none" | "unreadable" | "limit"; readonly text: string | null; readonly rule: string };

/** Looks for an answer; `isFitting` says whether a reading can be what is looked for. */
export function firstReadable(
  candidates: readonly Candidate[],
  side: "gold" | "reply",
  isFitting: (reading: ReadAnswerOf, candidate: Candidate) => boolean,
  known?: KnownReadings,
): Extracted {
  let failed: Extracted = { status: "none", text: null, rule: "none" };
  for (const candidate of candidates) {
    const reading = readAnswer(candidate.text, side, known);
    if (reading.status === "ok" && isFitting(reading, candidate)) return { status: "ok", candidate, reading };
    if (reading.status === "limit" && !candidate.isProse)
      return { status: "limit", text: candidate.text.slice(0, 64), rule: `${candidate.rule}/${reading.reason}` };
    if (reading.status === "failed" && !candidate.isProse && failed.status === "none")
      failed = { status: "unreadable", text: candidate.text, rule: candidate.rule };
  }
  return failed;
}

/** Longest text that is a gold in words rather than a solution to look for a value in. */
const MAX_WORDS = 80;

/** A solution has words around its answer; a broken formula has none, and no part of it is the answer. */
const WORDS_AROUND = /(?<![\\a-zA-Z])[a-zA-Z]{2,}[\s,]+(?:[^\s]+\s+)?[a-zA-Z]{2,}/u;

/** Reads a gold, which may be a whole solution; a text is the reason why it cannot be one. */
export function readMathsGold(text: string, targets: Targets): MathsGold | string {
  const region = text.trim();
  if (region === "") return "the gold is empty";
  const flexible = WORDS_AROUND.test(region) || /\$|\\[([]/u.test(region) ? flexibleCandidates(region, targets) : [];
  const found = firstReadable(
    [...anchoredCandidates(region, targets), ...flexible],
    "gold",
    ({ kind }, { isProse }) => kind === "maths" || !isProse,
  );
  if (found.status === "limit") return `the gold is too large: ${found.rule}`;
  if (found.status !== "ok" || found.candidate.rule.startsWith("last")) {
    const words = region.length <= MAX_WORDS ? readAnswer(region, "gold") : null;
    if (words?.status === "ok" && words.kind === "text")
      return { trees: words.trees, isText: true, hasSymbols: true, unit: null };
  }
  if (found.status !== "ok")
    return `the gold cannot be read: ${found.status === "none" ? "no answer in it" : found.rule}`;
  const { kind } = found.reading;
  const trees = [...found.reading.trees, ...choiceReadings(found.candidate.text, GOLD_CHOICE)] as const;
  const hasSymbols = trees.some((tree) => freeSymbols(tree).length > 0);
  return { trees, isText: kind === "text", hasSymbols, unit: unitOf(found.candidate.text) };
}

const DENIAL = /\b(?:not|never|wrong|incorrect|false)\b|n['’]t\b/iu;

/** What a reply's answer is, by one extractor's candidates. */
export function extractFor(gold: MathsGold, candidates: readonly Candidate[], known?: KnownReadings): Extracted {
  const isFitting = (reading: ReadAnswerOf, candidate: Candidate): boolean => {
    if (reading.kind === "text") return !candidate.isProse || isAnswerInWords(candidate.text, gold);
    if (candidate.rule === "whole" && DENIAL.test(candidate.text)) return false;
    const [tree] = reading.trees;
    return gold.hasSymbols || gold.isText || candidate.rule !== "last-value" || tree.type !== "symbol";
  };
  return firstReadable(candidates, "reply", isFitting, known);
}

/** Whether words may be the answer: a few of them, or where the gold is in words, as many as an answer in words has. */
export function isAnswerInWords(text: string, { isText }: Pick<MathsGold, "isText">): boolean {
  if (isKnownPhrase(text)) return true;
  return isText ? text.length <= MAX_WORDS : text.length <= MAX_WORDS / 2 && !/\d|\s\S+\s/u.test(text.trim());
}

/** Compares what was found with the gold. */
export function gradeExtracted(gold: MathsGold, found: Extracted, options: MathsOptions): MathsFinding {
  if (found.status !== "ok") {
    const outcome =
      found.status === "none" ? "no_answer" : found.status === "limit" ? "answer_limit" : "answer_parse_error";
    return { outcome, extracted: found.text, canonical: null, rule: found.rule };
  }
  const { candidate, reading } = found;
  const extracted = candidate.text.trim();
  const canonical = canonicalForm(valueOf(reading.trees[0]), new Work(CANONICAL_WORK));
  if (areUnitsApart(gold.unit, unitOf(candidate.text)))
    return { outcome: "incorrect", extracted, canonical, rule: `${candidate.rule}/unit-differs` };
  const work = new Work(COMPARISON_WORK);
  for (const a of gold.trees) {
    for (const b of reading.trees) {
      const rule = compareTrees(a, b, { ...options, work });
      if (rule !== null) return { outcome: "correct", extracted, canonical, rule: `${candidate.rule}/${rule}` };
    }
  }
  const rule = compareAsWords(gold, extracted) ?? compareChoice(gold, extracted, { ...options, work });
  if (rule !== null) return { outcome: "correct", extracted, canonical, rule: `${candidate.rule}/${rule}` };
  const outcome = work.isSpent ? "answer_limit" : "incorrect";
  return { outcome, extracted, canonical, rule: `${candidate.rule}/${work.isSpent ? "work" : "different"}` };
}

/** "Yes, it is" for yes: an answer in words may look like a list of them. */
function compareAsWords({ isText, trees: [gold] }: MathsGold, text: string): string | null {
  return isText && gold.type === "text" && sayTheSame(plainWords(gold.text), plainWords(text)) ? "text" : null;
}

const CHOICE = /^\(\s*([A-Ja-j])\s*\)\s*[.:,]?\s*(\S.*)$|^([A-J])\s*[).:]\s*(\S.*)$/su;

/** In a gold `(A)(B + 1)` is a product. */
const GOLD_CHOICE = /^\(\s*([A-J])\s*\)\s+(\S.*)$|^([A-J])\s*[).:]\s+(\S.*)$/su;

/** `\textbf{(A) }12` is both the letter and the value that it stands for. */
function compareChoice(gold: MathsGold, text: string, options: CompareOptions): string | null {
  const readings = choiceReadings(text, CHOICE);
  const [letter] = readings;
  const goldLetter = gold.trees.slice(1).find((tree) => tree.type === "text" && /^[A-J]$/u.test(tree.text));
  if (letter !== undefined && goldLetter !== undefined)
    return compareTrees(goldLetter, letter, options) === null ? null : "choice-and-value";
  const isSame = readings.some((tree) => gold.trees.some((one) => compareTrees(one, tree, options) !== null));
  return isSame ? "choice-and-value" : null;
}

/** The letter, and the value that stands behind it; nothing where the text is no such pair. */
function choiceReadings(text: string, pattern: RegExp): Tree[] {
  const bare = text
    .replace(/\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{([^{}]*)\}/gu, "$1")
    .replace(/\\[ ,;:]|\\q?quad|~|\$/gu, " ");
  const [, round, behindRound, half, behindHalf] = pattern.exec(bare.trim()) ?? [];
  const letter = round ?? half;
  if (letter === undefined) return [];
  const value = readAnswer(behindRound ?? behindHalf ?? "", "reply");
  return [{ type: "text", text: letter }, ...(value.status === "ok" ? value.trees : [])];
}

/** The value that a reply's equation comes to: what a vote counts. */
export function valueOf(tree: Tree): Tree {
  if (tree.type !== "relation") return tree;
  const [value] = assignedValues(tree, false);
  return value ?? tree;
}
