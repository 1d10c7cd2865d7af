/** @file Which test questions occur in training text, by s1's rule: one shared run of eight words is enough. */
import type { Contamination } from "../schema/evaluation-summary.ts";
import type { IdentifiedText } from "./identified-text.ts";
import { NGRAM_WORDS, RunIndex, WordRuns } from "./word-runs.ts";

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
  ngram: number = NGRAM_WORDS,
): Contamination {
  const ids = new Set(questions.map(({ id }) => id));
  const index = new RunIndex(ngram);
  const read = new WordRuns(ngram);
  let tooShort = 0;
  for (const { text } of questions) {
    read.read(text);
    if (read.runs === 0) tooShort++;
    index.add(read);
  }
  const sameId = new Set<string>();
  const runs = new Set<number>();
  let examples = 0;
  for (const { id, text } of training) {
    examples++;
    if (ids.has(id)) sameId.add(id);
    read.read(text);
    for (let hit = index.firstShared(read); hit !== undefined; hit = index.firstShared(read, hit.word + 1))
      runs.add(hit.run);
  }
  const sharedText = new Set([...runs].flatMap((run) => index.ownersOf(run)).map((at) => questions[at]?.id ?? ""));
  return {
    ngram,
    questions: questions.length,
    examples,
    sameId: [...sameId].sort(),
    sharedText: [...sharedText].filter((id) => !sameId.has(id)).sort(),
    tooShort,
  };
}
