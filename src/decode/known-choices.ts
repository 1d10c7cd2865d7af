/**
 * Where a row stands in the tree of everything already decoded for its prompt: one node a sequence of ids, and at each
 * node the tokens that the model chose there, by the ids that were forbidden. Since a choice depends only on the
 * sequence, the forbidden ids and the row's sampling, a known choice is what the model would choose again. Nearly every
 * node has one successor and one choice, which take no map: thousands of rows of tens of thousands of ids fit in memory.
 */
export interface KnownChoices {
  nextId: number;
  next: KnownChoices | undefined;
  otherNext: Map<number, KnownChoices> | undefined;
  forbidden: string;
  chosen: number | undefined;
  otherChosen: Map<string, number> | undefined;
}

/** A tree that knows nothing yet; its root stands for the prompt. */
export function knownChoices(): KnownChoices {
  return {
    nextId: -1,
    next: undefined,
    otherNext: undefined,
    forbidden: "",
    chosen: undefined,
    otherChosen: undefined,
  };
}

/** The node after one more id; made if nobody has been there. */
export function follow(node: KnownChoices, id: number): KnownChoices {
  if (node.next !== undefined && node.nextId === id) return node.next;
  const known = node.otherNext?.get(id);
  if (known !== undefined) return known;
  const made = knownChoices();
  if (node.next === undefined) {
    node.next = made;
    node.nextId = id;
  } else {
    node.otherNext ??= new Map();
    node.otherNext.set(id, made);
  }
  return made;
}

/** Nearly always nothing is forbidden. */
const keyOf = (forbidden: readonly number[]): string => (forbidden.length === 0 ? "" : forbidden.join());

/** The token chosen here under these forbidden ids, or undefined if the model has not been asked. */
export function recall(node: KnownChoices, forbidden: readonly number[]): number | undefined {
  const key = keyOf(forbidden);
  return node.chosen !== undefined && node.forbidden === key ? node.chosen : node.otherChosen?.get(key);
}

/** Notes what the model chose here. */
export function remember(node: KnownChoices, forbidden: readonly number[], token: number): void {
  const key = keyOf(forbidden);
  if (node.chosen === undefined || node.forbidden === key) {
    node.forbidden = key;
    node.chosen = token;
  } else {
    node.otherChosen ??= new Map();
    node.otherChosen.set(key, token);
  }
}
