/** @file Two texts word by word: what both have, and what one alone has. Pure. */

/** A stretch of text; `first` and `second` are of one text alone. */
export interface DiffRun {
  readonly in: "both" | "first" | "second";
  readonly text: string;
}

/** A table of so many cells is made at most; what is larger is told as wholly other. */
const MOST_CELLS = 4_000_000;

/**
 * The runs of both texts in order: those in `both` and `first` make the first, those in `both` and `second` the second. The words
 * in common are a longest common subsequence; what begins and ends alike is found first, for a larger budget continues a smaller one's.
 */
export function diffWords(first: string, second: string): DiffRun[] {
  // Cut within a word, it would be another word.
  if (second.startsWith(first)) return joined([...both([first]), { in: "second", text: second.slice(first.length) }]);
  const [a, b] = [wordsOf(first), wordsOf(second)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return joined([
    ...both(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...both(a.slice(a.length - end)),
  ]);
}

function wordsOf(text: string): readonly string[] {
  return text.match(/\s+|\S+/g) ?? [];
}

function both(words: readonly string[]): DiffRun[] {
  return words.map((text) => ({ in: "both", text }));
}

function middle(a: readonly string[], b: readonly string[]): DiffRun[] {
  const only = (words: readonly string[], side: "first" | "second"): DiffRun[] =>
    words.map((text) => ({ in: side, text }));
  if ((a.length + 1) * (b.length + 1) > MOST_CELLS) return [...only(a, "first"), ...only(b, "second")];
  const width = b.length + 1;
  const common = commonLengths(a, b);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  const runs: DiffRun[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [one, other] = [a[i] ?? "", b[j] ?? ""];
    if (one === other) runs.push({ in: "both", text: one });
    else if (at(i + 1, j) >= at(i, j + 1)) runs.push({ in: "first", text: one });
    else runs.push({ in: "second", text: other });
    if (runs.at(-1)?.in !== "second") i += 1;
    if (runs.at(-1)?.in !== "first") j += 1;
  }
  return [...runs, ...only(a.slice(i), "first"), ...only(b.slice(j), "second")];
}

/** Words in common from each pair of places to both ends; the table's smaller side has at most 2,000 words. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const longest = Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
      table[i * width + j] = a[i] === b[j] ? (table[(i + 1) * width + j + 1] ?? 0) + 1 : longest;
    }
  }
  return table;
}

/** Neighbours of one kind as one run; what the first alone has stands before what the second alone has. */
function joined(runs: readonly DiffRun[]): DiffRun[] {
  const result: DiffRun[] = [];
  let pending = { first: "", second: "" };
  let same = "";
  const flush = (): void => {
    if (same !== "") result.push({ in: "both", text: same });
    if (pending.first !== "") result.push({ in: "first", text: pending.first });
    if (pending.second !== "") result.push({ in: "second", text: pending.second });
    [same, pending] = ["", { first: "", second: "" }];
  };
  for (const run of runs) {
    if (run.in === "both") {
      if (pending.first !== "" || pending.second !== "") flush();
      same += run.text;
    } else pending[run.in] += run.text;
  }
  flush();
  return result;
}
