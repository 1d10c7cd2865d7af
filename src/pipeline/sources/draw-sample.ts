/** @file A seeded sample of a stream, the same whatever order its rows come in: those with the smallest hashes. */
import { sha256Hex } from "../../core/hash.ts";

/** Which sample. */
export interface SampleOptions {
  readonly count: number;
  /** Tells this draw from others, with the seed in it. */
  readonly key: string;
}

interface Entry<Row> {
  readonly row: Row;
  readonly place: string;
}

/**
 * Draws `count` of the rows that are added, without replacement. With groups as many of each as of every other, as far as
 * they go. Holds at most twice `count` rows of a group in memory.
 */
export class SampleDraw<Row> {
  readonly #options: SampleOptions;
  readonly #groups = new Map<string, { readonly path: readonly string[]; entries: Entry<Row>[] }>();

  constructor(options: SampleOptions) {
    this.#options = options;
  }

  /** `id` is what the row is drawn by; `path` its groups, outermost first, as many for each row. */
  add(row: Row, id: string, path: readonly string[] = []): void {
    const { count, key } = this.#options;
    const name = JSON.stringify(path);
    const group = this.#groups.get(name) ?? { path, entries: [] };
    this.#groups.set(name, group);
    group.entries.push({ row, place: sha256Hex(`${key}/${id}`) });
    if (group.entries.length > 2 * count) group.entries = inOrder(group.entries).slice(0, count);
  }

  /** The rows drawn, in the order of the draw. */
  drawn(): Row[] {
    return arrange([...this.#groups.values()], 0)
      .slice(0, this.#options.count)
      .map(({ row }) => row);
  }
}

function inOrder<Row>(entries: readonly Entry<Row>[]): Entry<Row>[] {
  return [...entries].sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
}

interface Group<Row> {
  readonly path: readonly string[];
  readonly entries: readonly Entry<Row>[];
}

/** The first of each group, then the second of each, and so on; within a group by its own groups. */
function arrange<Row>(groups: readonly Group<Row>[], depth: number): Entry<Row>[] {
  const names = [...new Set(groups.map(({ path }) => path[depth]))];
  if (names.length === 1 && names[0] === undefined) return inOrder(groups.flatMap(({ entries }) => entries));
  const arranged = names.map((name) =>
    arrange(
      groups.filter(({ path }) => path[depth] === name),
      depth + 1,
    ),
  );
  const rounds = Math.max(0, ...arranged.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) =>
    inOrder(arranged.flatMap((entries) => entries.slice(round, round + 1))),
  ).flat();
}
