/** @file Which traces are trained on: s1's selection made reproducible (select-s1.ts), and the plain ones it is compared with. */
import { type Prng, prng } from "../core/prng.ts";
import type { Recipe } from "../schema/recipe.ts";
import { SCHEMA_VERSION, type Selection } from "../schema/records.ts";
import { byDomain, type Candidate, type Drawn, longestFirst } from "./candidate.ts";
import { drawAsS1 } from "./select-s1.ts";
import { partition, sortedBy, type StageResult } from "./stage-result.ts";
import { WeightedPlaces } from "./weighted-places.ts";

/** How many to select, and how: the recipe's fields, and its seed. */
export interface SelectOptions
  extends Pick<Recipe["select"], "count" | "method" | "seeds" | "shape" | "redrawSeeds" | "longShare"> {
  readonly seed: number;
}

/** Selected rows in order of rank, and a reason for every candidate that was not. */
export interface SelectResult {
  readonly kept: readonly Selection[];
  readonly dropped: StageResult<Candidate>["dropped"];
}

/**
 * Selects up to `count` candidates, at most one trace a question (the longest). Depends on the candidates, not on their
 * order; ties are broken by trace id. Where no choice is left because there are no more than `count`, all are taken, by id.
 */
export function selectExamples(candidates: readonly Candidate[], options: SelectOptions): SelectResult {
  const { kept: pool, dropped: otherSamples } = onePerQuestion(candidates);
  const selected = drawMixed(pool, options);
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

/** Draws from candidates by trace id; long and short ones apart where the recipe mixes them; neither makes up for what the other lacks. */
function drawMixed(pool: readonly Candidate[], options: SelectOptions): Drawn[] {
  const { longShare, count } = options;
  if (longShare === undefined || options.method === "all") return draw(pool, options, "");
  const long = Math.round(count * longShare.share);
  const isLong = ({ thinkingTokens }: Candidate): boolean => thinkingTokens > longShare.longerThan;
  const short = pool.filter((candidate) => !isLong(candidate));
  return [
    ...draw(pool.filter(isLong), { ...options, count: long }, "/long"),
    ...draw(short, { ...options, count: count - long }, "/short"),
  ];
}

function draw(pool: readonly Candidate[], options: SelectOptions, part: string): Drawn[] {
  const { count, method, seed } = options;
  if (pool.length <= count || method === "all") return pool.map((candidate) => ({ candidate, reason: "all" }));
  const random = prng(`${seed}/select/${method}${part}`);
  switch (method) {
    case "s1":
      return drawAsS1(pool, options, random);
    case "diverse":
      return drawDiverse(pool, count, random);
    case "longest":
      return longestFirst(pool)
        .slice(0, count)
        .map((candidate) => ({ candidate, reason: "longest" }));
    case "random":
      return random
        .shuffle(pool)
        .slice(0, count)
        .map((candidate) => ({ candidate, reason: "random" }));
    default:
      return method satisfies never;
  }
}

/** A domain uniformly among those not exhausted, then one of its candidates uniformly: s1's control without length. */
function drawDiverse(pool: readonly Candidate[], count: number, random: Prng): Drawn[] {
  const domains = byDomain(pool).map(([, rows]) => rows);
  const open = new WeightedPlaces(domains.map(() => 1));
  return Array.from({ length: count }, () => {
    const place = open.at(random.int(0, open.total - 1));
    const rows = domains[place] as Candidate[];
    const at = random.int(0, rows.length - 1);
    const candidate = rows[at] as Candidate;
    const last = rows.pop() as Candidate;
    if (last !== candidate) rows[at] = last;
    if (rows.length === 0) open.close(place);
    return { candidate, reason: "uniform-domain" };
  });
}

/** Of several traces of a question the longest, as s1 prefers them, of equal ones the first id; sorted by trace id. */
function onePerQuestion(candidates: readonly Candidate[]): StageResult<Candidate> {
  const ordered = sortedBy(candidates, (row) => row.traceId);
  const longest = new Map<string, Candidate>();
  for (const candidate of ordered) {
    const { questionId, thinkingTokens } = candidate;
    if (thinkingTokens > (longest.get(questionId)?.thinkingTokens ?? -1)) longest.set(questionId, candidate);
  }
  return partition(ordered, STAGE, (candidate) =>
    longest.get(candidate.questionId) === candidate ? null : { id: candidate.traceId, reason: "shorter-sample" },
  );
}
