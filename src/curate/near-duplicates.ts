/** @file Clusters of texts that say nearly the same, for what must stay together: a chain of near-duplicates is one cluster. */
import type { IdentifiedText } from "./identified-text.ts";
import { NearTexts } from "./near-texts.ts";

/** Jaccard of the sets of runs of five symbols from which two texts are near-duplicates. */
export const NEAR_DUPLICATE_JACCARD = 0.6;
/**
 * Two texts at that Jaccard fail to meet but once in ten million, and thousands are compared: what is held out must not be
 * trained on.
 */
const CERTAIN = { missRate: 1e-7, maxCompared: 4096 };

/**
 * The cluster of every text: the smallest id in it, so that it depends on no order. Texts whose letters and digits are the
 * same are always together; a chain of near-duplicates is one cluster.
 *
 * @returns cluster by id; equal ids count once.
 */
export function nearDuplicateClusters(texts: readonly IdentifiedText[]): ReadonlyMap<string, string> {
  const ordered = [...texts].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const near = new NearTexts(NEAR_DUPLICATE_JACCARD, CERTAIN);
  for (const { text } of ordered) near.add(text);
  const roots = Int32Array.from(ordered, (_, at) => at);
  const rootOf = (at: number): number => {
    let root = at;
    while (roots[root] !== root) root = roots[root] as number;
    for (let step = at; step !== root; ) [step, roots[step]] = [roots[step] as number, root];
    return root;
  };
  for (let at = 0; at < ordered.length; at++) {
    const join = (other: number): void => {
      const [a, b] = [rootOf(at), rootOf(other)];
      roots[Math.max(a, b)] = Math.min(a, b); // the smallest place is the smallest id
    };
    near.findNear(at, join, (other) => rootOf(other) === rootOf(at));
    near.index(at);
  }
  return new Map(ordered.map(({ id }, at) => [id, ordered[rootOf(at)]?.id ?? id]));
}
