/**
 * @file Which traces are trained on: s1's selection (s1.md 2.6) made reproducible, and a plain random one as control.
 * Against the original: seeded; no redraws of what is already selected; independent of the order of its input. The
 * benchmark-shaped second regime of s1 is left out, since it looks at the benchmarks that will be evaluated.
 */
import { prng, type Prng } from "../core/prng.ts";
import { SCHEMA_VERSION, type Selection } from "../schema/records.ts";
import { partition, sortedBy, type StageResult } from "./stage-result.ts";

/** What the selection looks at. */
export interface Candidate {
  readonly questionId: string;
  readonly traceId: string;
  readonly domain: string;
  /** Length of the thinking in the student's tokens. */
  readonly thinkingTokens: number;
}

/** How many to select, and how. */
export interface SelectOptions {
  readonly count: number;
  readonly method: "s1" | "random";
  readonly seed: number;
}

/** Selected rows in order of rank, and a reason for every candidate that was not. */
export interface SelectResult {
  readonly kept: readonly Selection[];
  readonly dropped: StageResult<Candidate>["dropped"];
}

/**
 * Selects up to `count` candidates, at most one trace a question (the longest). Method `s1`: a domain uniformly among
 * those not exhausted, then within it one trace with probability proportional to 2^-rank, longest first. Where no
 * choice is left because there are no more than `count`, all are taken, by id.
 */
export function selectExamples(candidates: readonly Candidate[], options: SelectOptions): SelectResult {
  const { kept: pool, dropped: otherSamples } = onePerQuestion(candidates);
  const selected = draw(pool, options);
  const kept = selected.map(({ candidate: { questionId, traceId, domain, thinkingTokens }, reason }, rank) => {
    return { schemaVersion: SCHEMA_VERSION, rank, questionId, traceId, domain, thinkingTokens, reason } as const;
  });
  const taken = new Set(kept.map(({ traceId }) => traceId));
  const rest = partition(pool, STAGE, ({ traceId }) =>
    taken.has(traceId) ? null : { id: traceId, reason: "not-drawn" },
  );
  return { kept, dropped: [...otherSamples, ...rest.dropped] };
}

const STAGE = "select";

interface Drawn {
  readonly candidate: Candidate;
  readonly reason: Selection["reason"];
}

function draw(pool: readonly Candidate[], { count, method, seed }: SelectOptions): Drawn[] {
  if (pool.length <= count) return pool.map((candidate) => ({ candidate, reason: "all" }));
  const random = prng(`${seed}/select/${method}`);
  if (method === "s1") return drawByDomain(pool, count, random);
  return random
    .shuffle(pool)
    .slice(0, count)
    .map((candidate) => ({ candidate, reason: "random" }));
}

function drawByDomain(pool: readonly Candidate[], count: number, random: Prng): Drawn[] {
  const domains = new Map<string, Candidate[]>();
  for (const candidate of longestFirst(pool)) {
    const domain = domains.get(candidate.domain);
    if (domain === undefined) domains.set(candidate.domain, [candidate]);
    else domain.push(candidate);
  }
  const open = sortedBy([...domains], ([name]) => name).map(([, rows]) => rows);
  const drawn: Drawn[] = [];
  while (drawn.length < count) {
    const place = random.int(0, open.length - 1);
    const rows = open[place] as Candidate[];
    const [candidate] = rows.splice(drawRank(rows.length, random), 1);
    drawn.push({ candidate: candidate as Candidate, reason: "uniform-domain" });
    if (rows.length === 0) open.splice(place, 1);
  }
  return drawn;
}

/** A rank below `length` with probability 2^-rank / sum: a geometric draw, by the inverse of its distribution. */
function drawRank(length: number, random: Prng): number {
  const total = 1 - 2 ** -length;
  const rank = Math.floor(-Math.log2(1 - random.next() * total));
  return Math.min(rank, length - 1);
}

/** Sorted by thinking length, descending; equal lengths by trace id. */
function longestFirst(candidates: readonly Candidate[]): Candidate[] {
  return sortedBy(candidates, (row) => row.traceId).sort((a, b) => b.thinkingTokens - a.thinkingTokens);
}

/** Of several traces of a question the longest, as s1 prefers them; the result is sorted by trace id. */
function onePerQuestion(candidates: readonly Candidate[]): StageResult<Candidate> {
  const longest = new Map<string, string>();
  for (const { questionId, traceId } of longestFirst(candidates)) {
    if (!longest.has(questionId)) longest.set(questionId, traceId);
  }
  return partition(
    sortedBy(candidates, (row) => row.traceId),
    STAGE,
    ({ questionId, traceId }) =>
      longest.get(questionId) === traceId ? null : { id: traceId, reason: "shorter-sample" },
  );
}
