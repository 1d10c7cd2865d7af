/** @file Counting problems. The answer comes from a formula; the check counts again, step by step or one by one. */
import { z } from "zod";
import { binomial } from "../binomial.ts";
import { type Drawn, instanceFamily, whole } from "../instance-family.ts";
import type { Prng } from "../../core/prng.ts";
import { readInteger } from "../read-answer.ts";

const Instance = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("committee"),
    women: whole(1, 20),
    men: whole(1, 20),
    size: whole(1, 12),
    least: whole(0, 12),
  }),
  z.strictObject({ kind: z.literal("letters"), word: z.string().regex(/^[A-Z]{3,12}$/) }),
  z.strictObject({ kind: z.literal("paths"), right: whole(1, 20), up: whole(1, 20), x: whole(0, 20), y: whole(0, 20) }),
  z.strictObject({ kind: z.literal("sharing"), items: whole(1, 120), children: whole(2, 8), least: whole(0, 5) }),
  z.strictObject({ kind: z.literal("apart"), others: whole(2, 12), friends: whole(2, 4), empty: whole(0, 15) }),
]);
type Instance = z.infer<typeof Instance>;
type Of<K extends Instance["kind"]> = Extract<Instance, { kind: K }>;

const factorial = (n: number): bigint => (n <= 1 ? 1n : BigInt(n) * factorial(n - 1));

/** One kind of problem: drawn with a formula, counted without. */
interface Kind<I> {
  draw(random: Prng, level: number): I;
  formula(instance: I): bigint;
  count(instance: I): bigint;
  text(instance: I): string;
}

const WORDS = (
  "LEVEL BANANA PEPPER COFFEE LETTER CANADA TOMATO SUCCESS BALLOON BUBBLE ASSESS TATTOO COMMITTEE MISSISSIPPI " +
  "TENNESSEE REFERENCE SEVENTEEN KOOKABURRA KITTEN RABBIT HAMMER SUMMER BUTTER CHEESE MIRROR PARADE ALABAMA " +
  "ALASKA EUREKA GIGGLE LLAMA MAMMAL PAPAYA RIVER SETTLE TUNNEL VALLEY WILLOW YELLOW ZIGZAG"
).split(" ");

const committee: Kind<Of<"committee">> = {
  draw(random, level) {
    const [women, men] = [random.int(2, 3 + 3 * level), random.int(2, 3 + 3 * level)];
    const size = random.int(2, Math.min(3 + level, women + men - 1));
    return { kind: "committee", women, men, size, least: random.int(1, Math.min(size, women)) };
  },
  formula: ({ women, men, size, least }) => {
    let sum = 0n;
    for (let chosen = least; chosen <= size; chosen++) sum += binomial(women, chosen) * binomial(men, size - chosen);
    return sum;
  },
  // Person by person: how many ways there are to have chosen so many, of whom so many women.
  count: ({ women, men, size, least }) => {
    const ways = new Map([["0,0", 1n]]);
    for (let person = 0; person < women + men; person++) {
      for (const [key, value] of Array.from(ways)) {
        const [all, of] = key.split(",").map(Number) as [number, number];
        const next = `${all + 1},${person < women ? of + 1 : of}`;
        ways.set(next, (ways.get(next) ?? 0n) + value);
      }
    }
    return [...ways].reduce((sum, [key, value]) => {
      const [all, of] = key.split(",").map(Number) as [number, number];
      return all === size && of >= least ? sum + value : sum;
    }, 0n);
  },
  text: ({ women, men, size, least }) =>
    `A club has ${women} women and ${men} men. In how many ways can a committee of ${size} members be chosen that has at least ${least} ${least === 1 ? "woman" : "women"}?`,
};

const letters: Kind<Of<"letters">> = {
  draw(random, level) {
    const word = random.pick(WORDS.filter((one) => one.length <= 5 + level));
    // Some letters of the word, so that there are more questions than words.
    const kept = random
      .shuffle(Array.from(word, (_, i) => i))
      .slice(0, random.int(Math.min(4, word.length), word.length));
    return {
      kind: "letters",
      word: kept
        .sort((a, b) => a - b)
        .map((i) => word[i])
        .join(""),
    };
  },
  formula: ({ word }) =>
    [...countsOf(word).values()].reduce((ways, count) => ways / factorial(count), factorial(word.length)),
  // Letter by letter: an arrangement begins with one of the letters that are left.
  count: ({ word }) => {
    const known = new Map<string, bigint>();
    const arrange = (left: string): bigint => {
      if (left === "") return 1n;
      let sum = known.get(left);
      if (sum !== undefined) return sum;
      sum = [...new Set(left)].reduce((ways, letter) => ways + arrange(left.replace(letter, "")), 0n);
      known.set(left, sum);
      return sum;
    };
    return arrange(Array.from(word).sort().join(""));
  },
  text: ({ word }) => `How many different arrangements are there of all the letters of ${word}?`,
};

function countsOf(word: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const letter of word) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return counts;
}

const paths: Kind<Of<"paths">> = {
  draw(random, level) {
    const [right, up] = [random.int(2, 3 + 3 * level), random.int(2, 3 + 3 * level)];
    const [x, y] = [random.int(0, right), random.int(1, up)];
    return { kind: "paths", right, up, x: x + y === right + up ? x - 1 : x, y };
  },
  formula: ({ right, up, x, y }) =>
    binomial(right + up, up) - binomial(x + y, y) * binomial(right - x + up - y, up - y),
  count: ({ right, up, x, y }) => {
    let row = Array.from({ length: right + 1 }, () => 0n);
    for (let j = 0; j <= up; j++) {
      const next: bigint[] = [];
      for (let i = 0; i <= right; i++) {
        const ways = i === 0 && j === 0 ? 1n : (next[i - 1] ?? 0n) + (j === 0 ? 0n : (row[i] as bigint));
        next.push(i === x && j === y ? 0n : ways);
      }
      row = next;
    }
    return row[right] as bigint;
  },
  text: ({ right, up, x, y }) =>
    `A path on the grid goes from (0, 0) to (${right}, ${up}) in steps of 1 to the right or 1 up. How many such paths do not pass through (${x}, ${y})?`,
};

const sharing: Kind<Of<"sharing">> = {
  draw(random, level) {
    const [children, least] = [random.int(2, 3 + level), random.int(0, Math.min(4, level + 1))];
    return { kind: "sharing", children, least, items: children * least + random.int(2, 6 + 10 * level) };
  },
  formula: ({ items, children, least }) => binomial(items - children * least + children - 1, children - 1),
  count: ({ items, children, least }) => {
    let ways = Array.from({ length: items + 1 }, (_, i): bigint => (i === 0 ? 1n : 0n));
    for (let child = 0; child < children; child++)
      ways = ways.map((_, total) => ways.slice(0, Math.max(0, total - least + 1)).reduce((sum, way) => sum + way, 0n));
    return ways[items] as bigint;
  },
  text: ({ items, children, least }) =>
    `In how many ways can ${items} identical sweets be given to ${children} different children${least === 0 ? " (a child may get none)" : ` so that each gets at least ${least}`}?`,
};

const apart: Kind<Of<"apart">> = {
  draw: (random, level) => ({
    kind: "apart",
    others: random.int(2, 3 + level),
    friends: random.int(2, level > 2 ? 4 : 3),
    empty: random.int(0, 2 + 2 * level),
  }),
  // The quarrelled take seats apart, the others any of those that are left.
  formula: ({ others, friends, empty }) =>
    binomial(others + empty + 1, friends) * factorial(friends) * binomial(others + empty, others) * factorial(others),
  // Seat by seat: so many of each left, and whether one who has quarrelled sits on the seat before.
  count: ({ others, friends, empty }) => {
    const known = new Map<string, bigint>();
    const seat = (left: number, friendsLeft: number, emptyLeft: number, isBeside: boolean): bigint => {
      if (left + friendsLeft + emptyLeft === 0) return 1n;
      const key = `${left},${friendsLeft},${emptyLeft},${isBeside}`;
      let ways = known.get(key);
      if (ways !== undefined) return ways;
      ways = left === 0 ? 0n : BigInt(left) * seat(left - 1, friendsLeft, emptyLeft, false);
      if (emptyLeft > 0) ways += seat(left, friendsLeft, emptyLeft - 1, false);
      if (friendsLeft > 0 && !isBeside) ways += BigInt(friendsLeft) * seat(left, friendsLeft - 1, emptyLeft, true);
      known.set(key, ways);
      return ways;
    };
    return seat(others, friends, empty, false);
  },
  text: ({ others, friends, empty }) =>
    `${others + friends} people, of whom ${friends} have quarrelled, sit down in a row of ${others + friends + empty} seats. In how many ways can they sit if no two of those who have quarrelled may sit on neighbouring seats?`,
};

const KINDS = { committee, letters, paths, sharing, apart };
/** Kinds with more different problems are drawn more often. */
const DRAWN: readonly Instance["kind"][] = [
  ...(["committee", "committee", "committee", "letters", "paths", "paths"] as const),
  ...(["paths", "paths", "sharing", "sharing", "sharing", "apart"] as const),
];

const kindOf = <K extends Instance["kind"]>(kind: K): Kind<Instance> => KINDS[kind] as unknown as Kind<Instance>;

/** Committees, arrangements, paths, shares, seats. */
export const counting = instanceFamily({
  name: "counting",
  description: "how many committees, arrangements of letters, grid paths, shares or seatings there are",
  domain: "combinatorics",
  levels: ["up to about 5 things of a kind", "about 7", "about 9", "about 11", "about 13"],
  instance: Instance,
  draw(random, level): Drawn<Instance> | null {
    const kind = kindOf(random.pick(DRAWN));
    const instance = kind.draw(random, level);
    const answer = kind.formula(instance);
    return answer < 2n ? null : { instance, answer: String(answer) };
  },
  text: (instance) => kindOf(instance.kind).text(instance),
  answerForm: ["N", "N is a whole number"],
  read: readInteger,
  isRight: (instance, answer) => kindOf(instance.kind).count(instance) === answer,
});
