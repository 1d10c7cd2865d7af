import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

const NAMES = "ABCDEFGHIJKL";
const LEVELS = [
  { towns: 5, roads: 7, most: 9 },
  { towns: 6, roads: 10, most: 15 },
  { towns: 8, roads: 14, most: 20 },
  { towns: 10, roads: 20, most: 30 },
  { towns: 12, roads: 28, most: 40 },
] as const;

type Road = [from: number, to: number, length: number];

/** The shortest way between two towns. Checked road by road against the least length, which is found by relaxation. */
export const shortestPath = instanceFamily({
  name: "shortest-path",
  description: "a shortest way between two towns on a map of roads",
  domain: "graphs",
  levels: ["5 towns, 7 roads", "6, 10", "8, 14", "10, 20", "12 towns, 28 roads"],
  instance: z
    .strictObject({
      towns: whole(3, 12),
      roads: z
        .array(z.tuple([whole(0, 11), whole(0, 11), whole(1, 100)]))
        .min(2)
        .max(60),
    })
    .refine(({ towns, roads }) => roads.every(([from, to]) => from < towns && to < towns)),
  draw(random, level) {
    const { towns, roads: count, most } = atLevel(LEVELS, level);
    const pairs = Array.from({ length: towns }, (_, a) =>
      Array.from({ length: a }, (_, b): [number, number] => [b, a]),
    );
    const roads = random
      .shuffle(pairs.flat())
      .slice(0, count)
      .map(([a, b]): Road => [a, b, random.int(1, most)]);
    const way = fromFirstToLast(towns, roads);
    if (way === null || way.length < Math.min(4, 2 + level)) return null;
    return { instance: { towns, roads }, answer: way.map((town) => NAMES[town]).join("-") };
  },
  text: ({ towns, roads }, wording) => {
    const listed = roads.map(([from, to, length]) => `${NAMES[from]}-${NAMES[to]} ${length} km`).join(", ");
    return `${wording.pick(["These roads join", "There are these roads between"])} the towns A to ${NAMES[towns - 1]}, usable in both directions: ${listed}. Find a shortest way from A to ${NAMES[towns - 1]}.`;
  },
  answerForm: [
    "A-...-Z",
    "the letters are the towns in the order in which they are passed, from the first to the last",
  ],
  read: (text) => {
    const towns = plainAnswer(text)
      .toUpperCase()
      .split(/\s*(?:-+>?|\u2192|,|\\TO|\\RIGHTARROW|\s)\s*/u);
    const isRead = towns.length <= 40 && towns.every((town) => town.length === 1 && NAMES.includes(town));
    return isRead ? towns.map((town) => NAMES.indexOf(town)) : null;
  },
  isRight: ({ towns, roads }, way) => {
    let length = 0;
    for (const [i, town] of way.slice(1).entries()) {
      const before = way[i] as number;
      const lengths = roads
        .filter(([from, to]) => (from === before && to === town) || (from === town && to === before))
        .map(([, , road]) => road);
      length += Math.min(...lengths); // infinite where there is no road
    }
    return way[0] === 0 && way.at(-1) === towns - 1 && length === leastLength(towns, roads);
  },
});

/** Length of a shortest way from the first town to the last: every road is relaxed as often as there are towns. */
function leastLength(towns: number, roads: readonly Readonly<Road>[]): number {
  const least = Array.from({ length: towns }, (_, town) => (town === 0 ? 0 : Number.POSITIVE_INFINITY));
  for (let round = 1; round < towns; round++) {
    for (const [from, to, length] of roads) {
      least[to] = Math.min(least[to] as number, (least[from] as number) + length);
      least[from] = Math.min(least[from] as number, (least[to] as number) + length);
    }
  }
  const found = least[towns - 1] as number;
  return Number.isFinite(found) ? found : -1;
}

/** A shortest way (Dijkstra); null where there is none. */
function fromFirstToLast(towns: number, roads: readonly Readonly<Road>[]): number[] | null {
  const ways = new Map<number, { length: number; way: number[] }>([[0, { length: 0, way: [0] }]]);
  const done = new Set<number>();
  while (done.size < towns) {
    const open = [...ways].filter(([town]) => !done.has(town)).sort((a, b) => a[1].length - b[1].length);
    const [town, found] = open[0] ?? [];
    if (town === undefined || found === undefined) return null;
    if (town === towns - 1) return found.way;
    done.add(town);
    for (const [from, to, length] of roads) {
      const next = from === town ? to : to === town ? from : null;
      if (next === null || (ways.get(next)?.length ?? Number.POSITIVE_INFINITY) <= found.length + length) continue;
      ways.set(next, { length: found.length + length, way: [...found.way, next] });
    }
  }
  return null;
}
