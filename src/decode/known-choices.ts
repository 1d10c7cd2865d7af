/**
 * Where a row stands in the tree of everything already decoded for its prompt: one node a sequence of ids, and at each
 * node the tokens that the model chose there, by the ids that were forbidden. Since a choice depends only on the
 * sequence, the forbidden ids and the row's sampling, a known choice is what the model would choose again.
 */
export interface KnownChoices {
  readonly next: Map<number, KnownChoices>;
  readonly chosen: Map<string, number>;
}

/** A tree that knows nothing yet; its root stands for the prompt. */
export function knownChoices(): KnownChoices {
  return { next: new Map(), chosen: new Map() };
}

/** The node after one more id; made if nobody has been there. */
export function follow(node: KnownChoices, id: number): KnownChoices {
  const known = node.next.get(id);
  if (known !== undefined) return known;
  const made = knownChoices();
  node.next.set(id, made);
  return made;
}

/** The token chosen here under these forbidden ids, or undefined if the model has not been asked. */
export function recall(node: KnownChoices, forbidden: readonly number[]): number | undefined {
  return node.chosen.get(forbidden.join());
}

/** Notes what the model chose here. */
export function remember(node: KnownChoices, forbidden: readonly number[], token: number): void {
  node.chosen.set(forbidden.join(), token);
}
