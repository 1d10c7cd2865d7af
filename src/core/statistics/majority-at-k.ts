import { type Prng, prng } from "../prng.ts";

/** Samples of one question that gave the same answer. */
export interface AnswerClass {
  readonly votes: number;
  /** Share of these samples that are right: 0 or 1 where a class is one answer. */
  readonly rightShare: number;
}

/** The votes of one question. */
export interface Ballot {
  readonly classes: readonly AnswerClass[];
  /** Samples without an answer: they may be drawn, and do not vote. */
  readonly silent: number;
}

/** Up to this many samples the sum over all subsets is done exactly; above, over drawn ones. */
const EXACT_SAMPLES = 128;
const DRAWN_SUBSETS = 2_000;

/**
 * maj@k: the chance that the most frequent answer of `k` samples drawn without replacement is right; null when there are
 * fewer. A tie is settled by drawing one of the tied answers, so it counts as their mean; a subset without any answer is wrong.
 * Exact over all subsets up to 128 samples, by counting how the other classes can stay behind; a mean over 2,000 drawn
 * subsets above.
 * @param key names the random stream of drawn subsets
 */
export function majorityAtK(ballot: Ballot, k: number, key: string): number | null {
  const n = ballot.classes.reduce((sum, { votes }) => sum + votes, ballot.silent);
  if (n < k || k < 1) return null;
  return n <= EXACT_SAMPLES ? exactMajority(ballot, { n, k }) : drawnMajority(ballot, k, prng(key));
}

function exactMajority({ classes }: Ballot, { n, k }: { readonly n: number; readonly k: number }): number {
  let right = 0;
  classes.forEach(({ votes, rightShare }, index) => {
    if (rightShare === 0) return;
    const others = classes.filter((_, other) => other !== index).map((other) => other.votes);
    for (let winning = 1; winning <= Math.min(votes, k); winning++) {
      const contenders = others.filter((size) => size >= winning);
      // Classes too small to tie cannot matter more than silence: all of their samples are one pool to draw from.
      const pool = n - votes - contenders.reduce((sum, size) => sum + size, 0);
      const ways = waysToStayBehind(contenders, winning, k - winning);
      for (let rest = 0; rest <= k - winning; rest++) {
        const share = ways[rest] as number;
        if (share > 0) right += rightShare * choose(votes, winning) * share * choose(pool, k - winning - rest);
      }
    }
  });
  return right / choose(n, k);
}

/**
 * By number of votes drawn from the contenders: in how many ways each of them gets at most `winning`, each way divided by how
 * many classes then share the lead.
 */
function waysToStayBehind(contenders: readonly number[], winning: number, most: number): Float64Array {
  const mostTied = Math.floor(most / winning);
  // ways[tied][drawn]
  let ways = Array.from({ length: mostTied + 1 }, () => new Float64Array(most + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const votes of contenders) {
    const next = Array.from({ length: mostTied + 1 }, () => new Float64Array(most + 1));
    ways.forEach((row, tied) => {
      row.forEach((count, drawn) => {
        if (count === 0) return;
        for (let got = 0; got <= Math.min(votes, winning, most - drawn); got++) {
          const target = next[got === winning ? tied + 1 : tied] as Float64Array;
          target[drawn + got] = (target[drawn + got] as number) + count * choose(votes, got);
        }
      });
    });
    ways = next;
  }
  const shared = new Float64Array(most + 1);
  ways.forEach((row, tied) => {
    row.forEach((count, drawn) => {
      shared[drawn] = (shared[drawn] as number) + count / (tied + 1);
    });
  });
  return shared;
}

function drawnMajority({ classes, silent }: Ballot, k: number, random: Prng): number {
  const samples = classes.flatMap(({ votes }, index) => new Array<number>(votes).fill(index));
  samples.push(...new Array<number>(silent).fill(-1));
  let right = 0;
  for (let subset = 0; subset < DRAWN_SUBSETS; subset++) {
    const votes = new Uint32Array(classes.length);
    for (let i = 0; i < k; i++) {
      const j = random.int(i, samples.length - 1);
      const drawn = samples[j] as number;
      samples[j] = samples[i] as number;
      samples[i] = drawn;
      if (drawn >= 0) votes[drawn] = (votes[drawn] as number) + 1;
    }
    const most = votes.reduce((a, b) => Math.max(a, b), 0);
    if (most === 0) continue;
    const leaders = classes.filter((_, index) => votes[index] === most);
    right += leaders.reduce((sum, { rightShare }) => sum + rightShare, 0) / leaders.length;
  }
  return right / DRAWN_SUBSETS;
}

/** Binomial coefficient in f64; 0 outside of Pascal's triangle. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - i + 1)) / i;
  return result;
}
