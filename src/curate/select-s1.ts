/**
 * @file s1's selection as its code does it (s1.md 2.6), not as its paper's Algorithm 1: a seed set by rule, domains drawn
 * uniformly, then domains drawn as some benchmark-like sources have them; within a domain weight 2^-rank, longest first.
 * Where ours differs: docs/decisions/0020-selection.md.
 */
import type { Prng } from "../core/prng.ts";
import type { Recipe } from "../schema/recipe.ts";
import { byDomain, type Candidate, type Drawn, isWithinSource, longestFirst } from "./candidate.ts";
import { WeightedPlaces } from "./weighted-places.ts";

/** The fields of a recipe that s1's selection reads. */
export type S1Options = Pick<Recipe["select"], "count" | "seeds" | "shape" | "redrawSeeds">;

/** Draws `count` of more than `count` candidates, given by trace id, in the order of the draws; the seed set first. */
export function drawAsS1(pool: readonly Candidate[], options: S1Options, random: Prng): Drawn[] {
  const { count, seeds: rules = [], shape, redrawSeeds = false } = options;
  const seeds = pool.filter((candidate) => rules.some((rule) => isSeed(candidate, rule)));
  if (seeds.length >= count) return drawSeeds(seeds, count, random);
  const taken = new Set(seeds);
  const domains = new DomainDraws(
    redrawSeeds ? pool : pool.filter((candidate) => !taken.has(candidate)),
    shape === undefined ? new Map() : shapeOf(pool, shape.like),
    random,
  );
  const shapedFrom = shape === undefined ? count : Math.round(count * shape.after);
  const drawn: Drawn[] = seeds.map((candidate) => ({ candidate, reason: "seed" }));
  while (drawn.length < count) {
    const next = domains.draw({ isShaped: drawn.length >= shapedFrom });
    // A seed that is drawn again is taken out of its domain and adds nothing, as in the original.
    if (!taken.has(next.candidate)) drawn.push(next);
  }
  return drawn;
}

type SeedRule = NonNullable<S1Options["seeds"]>[number];

function isSeed({ source, isCorrect, thinkingTokens }: Candidate, rule: SeedRule): boolean {
  if (!isWithinSource(source, rule.source)) return false;
  return (isCorrect || !rule.requireCorrect) && thinkingTokens > (rule.longerThan ?? -1);
}

/** More seeds than are wanted: they are drawn among themselves, uniformly over domains. */
function drawSeeds(seeds: readonly Candidate[], count: number, random: Prng): Drawn[] {
  const domains = new DomainDraws(seeds, new Map(), random);
  return Array.from({ length: count }, () => ({
    candidate: domains.draw({ isShaped: false }).candidate,
    reason: "seed",
  }));
}

/**
 * Weights of domains after benchmark-like sources: the first one's counts, and of each other its counts scaled so that they
 * come to `ratio` times the first's, each rounded down. Counted over all candidates.
 */
export function shapeOf(
  pool: readonly Candidate[],
  like: NonNullable<S1Options["shape"]>["like"],
): Map<string, number> {
  const parts = like.map(({ source, ratio }) => ({
    ratio,
    rows: pool.filter((candidate) => isWithinSource(candidate.source, source)),
  }));
  const yardstick = parts[0]?.rows.length ?? 0;
  const weights = new Map<string, number>();
  parts.forEach(({ ratio, rows }, place) => {
    const scale = place === 0 ? 1 : (ratio * yardstick) / rows.length;
    for (const [domain, { length }] of byDomain(rows))
      weights.set(domain, (weights.get(domain) ?? 0) + Math.floor(length * scale));
  });
  return weights;
}

/** Draws from the domains that still have candidates. */
class DomainDraws {
  /** Of each domain what is left, the longest last: ranks near 0 are drawn, and cost little to take out there. */
  readonly #rows: readonly Candidate[][];
  readonly #open: WeightedPlaces;
  readonly #shaped: WeightedPlaces;
  readonly #random: Prng;

  constructor(pool: readonly Candidate[], shape: ReadonlyMap<string, number>, random: Prng) {
    const domains = byDomain(longestFirst(pool).reverse());
    this.#rows = domains.map(([, rows]) => rows);
    this.#open = new WeightedPlaces(domains.map(() => 1));
    this.#shaped = new WeightedPlaces(domains.map(([domain]) => shape.get(domain) ?? 0));
    this.#random = random;
  }

  /** One candidate, which is taken out; something must be left. Uniform too where no domain of the shape has any left. */
  draw({ isShaped }: { readonly isShaped: boolean }): Drawn {
    const usesShape = isShaped && this.#shaped.total > 0;
    const places = usesShape ? this.#shaped : this.#open;
    const place = places.at(this.#random.int(0, places.total - 1));
    const rows = this.#rows[place] as Candidate[];
    const [candidate] = rows.splice(rows.length - 1 - drawRank(rows.length, this.#random), 1);
    if (rows.length === 0) for (const each of [this.#open, this.#shaped]) each.close(place);
    return { candidate: candidate as Candidate, reason: usesShape ? "benchmark-domain" : "uniform-domain" };
  }
}

/** A rank below `length` with probability 2^-rank / sum: a geometric draw, by the inverse of its distribution. */
function drawRank(length: number, random: Prng): number {
  const total = 1 - 2 ** -length;
  const rank = Math.floor(-Math.log2(1 - random.next() * total));
  return Math.min(rank, length - 1);
}
