// Byte-pair merges of a text, for tokenizers made here: the most frequent pair first, the alphabetically first of equals.

/**
 * @param words Pieces of text as arrays of symbols, with how often each occurs.
 * @returns the merges in the order in which they were learned
 */
export function learnMerges(words, count) {
  const live = words.map(({ symbols, times }) => ({ symbols: [...symbols], times }));
  const pairs = new Map(); // "left right" -> { times, words: Set of indices }
  const add = (left, right, index, times) => {
    const key = `${left} ${right}`;
    const pair = pairs.get(key) ?? { left, right, times: 0, words: new Set() };
    pair.times += times;
    pair.words.add(index);
    pairs.set(key, pair);
  };
  const each = ({ symbols, times }, index, sign) => {
    for (let at = 0; at + 1 < symbols.length; at++) add(symbols[at], symbols[at + 1], index, sign * times);
  };
  live.forEach((word, index) => each(word, index, 1));
  const merges = [];
  while (merges.length < count) {
    let best;
    for (const [key, pair] of pairs) {
      if (pair.times > 0 && (!best || pair.times > best.times || (pair.times === best.times && key < best.key)))
        best = { ...pair, key };
    }
    if (!best) break;
    merges.push([best.left, best.right]);
    for (const index of best.words) {
      const word = live[index];
      each(word, index, -1);
      for (let at = 0; at + 1 < word.symbols.length; at++) {
        if (word.symbols[at] === best.left && word.symbols[at + 1] === best.right)
          word.symbols.splice(at, 2, best.left + best.right);
      }
      each(word, index, 1);
    }
    pairs.delete(best.key);
  }
  return merges;
}

/** How often each piece occurs, in the order of first occurrence. */
export function countPieces(pieces, spell) {
  const times = new Map();
  for (const piece of pieces) times.set(piece, (times.get(piece) ?? 0) + 1);
  return [...times].map(([piece, count]) => ({ symbols: spell(piece), times: count }));
}
