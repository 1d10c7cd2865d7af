/** @file Answers in words: a name, a choice, "no solution". */
import { integer, type Tree } from "./tree.ts";
import { NUMBER_WORDS, SYNONYMS } from "./vocabulary.ts";

const PUNCTUATION = /[^\p{L}\p{N}]+/gu;
const ARTICLE = /^(?:the|a|an|option|choice|answer) /u;

const EXISTENCE =
  /^(?:there (?:is|are|exists?)|(?:it|(?:the|this) (?:limit|equation|system|inequality|expression|function|integral|series))(?: is| has)?) /u;
const MAX_PHRASE = 60;
const PHRASES: ReadonlySet<string> = new Set(SYNONYMS.values());
const VERDICTS: ReadonlySet<string> = new Set(["yes", "no", "true", "false"]);

/** Whether the second text says what the first does: the same words, or for a plain yes or no the same first word. */
export function sayTheSame(gold: string, pred: string): boolean {
  return gold === pred || (VERDICTS.has(gold) && pred.startsWith(`${gold} `));
}

/** The words alone: lower case, single spaces, no punctuation, no article in front. */
export function plainWords(text: string): string {
  const words = text.toLowerCase().replace(PUNCTUATION, " ").trim();
  const bare = words.replace(EXISTENCE, "").replace(ARTICLE, "");
  return SYNONYMS.get(words) ?? SYNONYMS.get(bare) ?? bare;
}

/** Whether words are an answer that many give: "no real solutions", "all real numbers". */
export function isKnownPhrase(text: string): boolean {
  return text.length <= MAX_PHRASE && PHRASES.has(plainWords(text));
}

/** The letters of a tree that is nothing but letters in a row, as a word; null for anything else. */
function lettersOf(tree: Tree): string | null {
  if (tree.type === "symbol") return tree.name;
  if (tree.type !== "product" || !tree.factors.every((factor) => factor.type === "symbol")) return null;
  return tree.factors.map((factor) => (factor.type === "symbol" ? factor.name : "")).join("");
}

/** Words that a tree may stand for, to compare with an answer in words; null where it is no word. */
export function wordsOf(tree: Tree): string | null {
  if (tree.type === "text") return plainWords(tree.text);
  if (tree.type === "namedSet") return tree.name === "empty" ? "none" : tree.name;
  const letters = lettersOf(tree);
  return letters === null ? null : plainWords(letters);
}

/** The number that a word names, as a tree; null for other words. */
export function numberOfWord(tree: Tree): Tree | null {
  const value = tree.type === "text" ? NUMBER_WORDS.get(plainWords(tree.text)) : undefined;
  return value === undefined ? null : integer(value);
}
