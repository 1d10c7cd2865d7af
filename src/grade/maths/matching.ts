/** @file Whether the items of two lists can be paired off, whatever their order. */

/**
 * Whether every item of one list has an item of the other of its own: a perfect matching, by augmenting paths. Sorting would
 * not do, since items of equal value may be written so differently that no order puts them side by side.
 *
 * @param size of both lists
 * @param isPair whether item i of the first may go with item j of the second; asked at most once for each pair
 */
export function canPairOff(size: number, isPair: (i: number, j: number) => boolean): boolean {
  const known = new Map<number, boolean>();
  const ask = (i: number, j: number): boolean => {
    const key = i * size + j;
    const answer = known.get(key) ?? isPair(i, j);
    known.set(key, answer);
    return answer;
  };
  const partnerOf: number[] = new Array<number>(size).fill(-1);
  for (let i = 0; i < size; i++) if (!findPartner(i, { size, ask, partnerOf, tried: new Set() })) return false;
  return true;
}

interface Search {
  readonly size: number;
  readonly ask: (i: number, j: number) => boolean;
  readonly partnerOf: number[];
  readonly tried: Set<number>;
}

function findPartner(i: number, search: Search): boolean {
  const { size, ask, partnerOf, tried } = search;
  // The same place first: most lists come in the gold's order.
  for (let step = 0; step < size; step++) {
    const j = (i + step) % size;
    if (tried.has(j) || !ask(i, j)) continue;
    tried.add(j);
    const partner = partnerOf[j] as number;
    if (partner !== -1 && !findPartner(partner, search)) continue;
    partnerOf[j] = i;
    return true;
  }
  return false;
}
