/** @file Which test questions occur in training text, by s1's rule: one shared run of eight words is enough. */
import type { Contamination } from "../schema/evaluation-summary.ts";

/** A text with its id. */
export interface IdentifiedText {
  readonly id: string;
  readonly text: string;
}

/** s1's length of a run of words. */
const NGRAM_WORDS = 8;

/**
 * Test questions that are a training question (same id), or share a run of `ngram` words with a training text. Words are
 * what white space separates, in lower case; punctuation counts, as in s1. A question shorter than a run cannot share one
 * and is counted as such. Time and memory grow with the words of the test questions; training texts are read once.
 *
 * @param training an iterable, so that a large file need not be held
 */
export function findOverlap(
  questions: readonly IdentifiedText[],
  training: Iterable<IdentifiedText>,
  ngram = NGRAM_WORDS,
): Contamination {
  const ids = new Set(questions.map(({ id }) => id));
  const owners = new Map<string, string[]>();
  let tooShort = 0;
  for (const { id, text } of questions) {
    const runs = runsOf(text, ngram);
    if (runs.length === 0) tooShort++;
    for (const run of new Set(runs)) {
      const owning = owners.get(run);
      if (owning === undefined) owners.set(run, [id]);
      else owning.push(id);
    }
  }
  const sameId = new Set<string>();
  const sharedText = new Set<string>();
  let examples = 0;
  for (const { id, text } of training) {
    examples++;
    if (ids.has(id)) sameId.add(id);
    for (const run of runsOf(text, ngram)) for (const owner of owners.get(run) ?? []) sharedText.add(owner);
  }
  return {
    ngram,
    questions: questions.length,
    examples,
    sameId: [...sameId].sort(),
    sharedText: [...sharedText].filter((id) => !sameId.has(id)).sort(),
    tooShort,
  };
}

/** Every run of `ngram` consecutive words. */
function runsOf(text: string, ngram: number): string[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const runs: string[] = [];
  for (let start = 0; start + ngram <= words.length; start++) runs.push(words.slice(start, start + ngram).join(" "));
  return runs;
}
