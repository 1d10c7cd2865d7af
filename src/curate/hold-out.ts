import { AppError } from "../core/errors.ts";
import { shortHash } from "../core/hash.ts";
import type { IdentifiedText } from "./identified-text.ts";
import { nearDuplicateClusters } from "./near-duplicates.ts";

/** How much to hold out. */
export interface HoldOutOptions {
  /** Share of the questions to evaluate on, above 0 and below 1. */
  readonly share: number;
  readonly seed: number;
}

/** A cut: what is held out, and everybody's cluster. */
export interface HoldOut {
  readonly heldOut: ReadonlySet<string>;
  readonly clusterOf: ReadonlyMap<string, string>;
}

/**
 * Cuts questions in two so that no cluster of near-duplicates stands on both sides: whole clusters are held out, in an order
 * drawn by the seed, as long as the share is not passed. Depends on the questions and the seed, not on their order.
 *
 * @throws AppError "record-invalid" where no cluster fits into the share, or nothing is left to train on.
 */
export function holdOut(questions: readonly IdentifiedText[], { share, seed }: HoldOutOptions): HoldOut {
  const clusterOf = nearDuplicateClusters(questions);
  const members = new Map<string, string[]>();
  for (const [id, cluster] of clusterOf) {
    const known = members.get(cluster);
    if (known === undefined) members.set(cluster, [id]);
    else known.push(id);
  }
  const wanted = Math.max(1, Math.round(clusterOf.size * share));
  const drawn = [...members.keys()]
    .map((cluster) => ({ cluster, place: shortHash(`${seed}/hold-out/${cluster}`) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const heldOut = new Set<string>();
  for (const { cluster } of drawn) {
    const ids = members.get(cluster) ?? [];
    if (heldOut.size + ids.length <= wanted) for (const id of ids) heldOut.add(id);
  }
  if (heldOut.size === 0 || heldOut.size === clusterOf.size) throw noCut(clusterOf.size, members, wanted);
  return { heldOut, clusterOf };
}

function noCut(questions: number, members: ReadonlyMap<string, readonly string[]>, wanted: number): AppError {
  const smallest = [...members.values()].reduce((least, { length }) => Math.min(least, length), questions);
  return new AppError(
    "record-invalid",
    `${questions} questions in ${members.size} clusters cannot be cut with ${wanted} held out: the smallest cluster has ${smallest}`,
    {
      hint: "near-duplicates stay on one side; give more questions that differ, or another share",
      data: { questions, clusters: members.size, wanted, smallest },
    },
  );
}
