import { canonicalJson } from "../core/hash.ts";
import { normaliseQuestion } from "../questions/bucket.ts";
import type { Question } from "../schema/records.ts";
import { NearTexts } from "./near-texts.ts";
import { partition, sortedBy, type StageResult } from "./stage-result.ts";

/**
 * One question of each text, where texts that differ only in Unicode form and white space are the same. Of equal
 * questions the same one is kept whatever their order, and the kept ones are sorted by id.
 */
export function dropDuplicates(questions: readonly Question[]): StageResult<Question> {
  const seen = new Set<string>();
  return partition(byId(questions), "duplicates", ({ id, text }) => {
    const normalised = normaliseQuestion(text);
    if (seen.has(normalised)) return { id, reason: "duplicate" };
    seen.add(normalised);
    return null;
  });
}

/** A question that stands for others, and how alike each is to it. */
export interface DuplicateCluster {
  readonly representative: string;
  readonly members: readonly { readonly id: string; readonly jaccard: number }[];
}

/** What is left when near-duplicates are gone. */
export interface NearDuplicatesDropped extends StageResult<Question> {
  /** The representatives that something was dropped for, by id, with what was. */
  readonly clusters: readonly DuplicateCluster[];
  /** Questions not compared with all they met, since too many looked alike without being so: near-duplicates may be left. */
  readonly crowded: number;
}

/**
 * Drops every question that is nearly the same as one that is kept: a Jaccard of at least `threshold` between the sets of their
 * runs of five symbols. The first is kept: one with a reference answer before one without, then the smaller id; so of two
 * near-duplicates one is always dropped, and whatever is dropped is near to its representative itself, not through a chain.
 * Independent of the order of the questions; those kept are sorted by id.
 */
export function dropNearDuplicates(questions: readonly Question[], threshold: number): NearDuplicatesDropped {
  const ordered = byId(questions);
  const near = new NearTexts(threshold);
  for (const { text } of ordered) near.add(text);
  const [answered, others] = [true, false].map((isAnswered) =>
    [...ordered.keys()].filter((at) => (ordered[at]?.answer !== null) === isAnswered),
  );
  const found = findRepresentatives(near, [...(answered ?? []), ...(others ?? [])]);
  const members = new Map<string, { id: string; jaccard: number }[]>();
  let at = 0;
  const result = partition(ordered, "duplicates", ({ id }) => {
    const [representative, jaccard] = [found.of[at] as number, found.jaccards[at++] as number];
    if (representative < 0) return null;
    const first = ordered[representative]?.id ?? "";
    const known = members.get(first);
    if (known === undefined) members.set(first, [{ id, jaccard }]);
    else known.push({ id, jaccard });
    return { id, reason: "near-duplicate", detail: `${first}, Jaccard ${jaccard.toFixed(2)}` };
  });
  const clusters = [...members].map(([representative, of]) => ({ representative, members: of }));
  return { ...result, clusters: sortedBy(clusters, (one) => one.representative), crowded: near.crowded };
}

/** For each text its representative's number, or -1 where it is kept, and how alike they are. */
export interface Representatives {
  readonly of: Int32Array;
  readonly jaccards: Float64Array;
}

/**
 * Goes through texts in an order: each is kept, or represented by the kept one before it that it is most like (the first of
 * those equally like). No two kept ones are near.
 */
export function findRepresentatives(near: NearTexts, order: Iterable<number>): Representatives {
  const of = new Int32Array(near.size).fill(-1);
  const jaccards = new Float64Array(near.size);
  const places = new Int32Array(near.size);
  let place = 0;
  for (const at of order) {
    places[at] = place++;
    let best = -1;
    let likeness = 0;
    near.findNear(at, (other, jaccard) => {
      if (jaccard < likeness || (jaccard === likeness && (places[other] as number) > (places[best] as number))) return;
      [best, likeness] = [other, jaccard];
    });
    of[at] = best;
    jaccards[at] = likeness;
    if (best < 0) near.index(at);
  }
  return { of, jaccards };
}

/** Sorted by id; of those with one id by all they hold. */
function byId(questions: readonly Question[]): Question[] {
  return [...questions].sort((a, b) => {
    if (a.id !== b.id) return a.id < b.id ? -1 : 1;
    const [one, other] = [canonicalJson(a), canonicalJson(b)];
    return one < other ? -1 : one > other ? 1 : 0;
  });
}
