/** @file Contest problems of geometry, with whole numbers throughout, and of chance. */
import { gcdOf } from "../../fraction.ts";
import type { Four, Template } from "./template.ts";

const latticeTriangle: Template = {
  levels: [3, 5],
  bounds: [
    [0, 60],
    [0, 60],
    [0, 60],
    [0, 60],
  ],
  draw: (random, level) => {
    const side = 8 * level;
    return [random.int(2, side), random.int(0, side), random.int(0, side), random.int(2, side)];
  },
  // Pick's theorem.
  formula: (parameters) => {
    const [a, b, c, d] = parameters.map(BigInt) as [bigint, bigint, bigint, bigint];
    const doubled = a * d - b * c < 0n ? b * c - a * d : a * d - b * c;
    const border = gcdOf(a, b) + gcdOf(c, d) + gcdOf(a - c, b - d);
    return doubled === 0n ? -1n : (doubled - border + 2n) / 2n;
  },
  count: (parameters) => {
    const [a, b, c, d] = parameters as Four;
    const way = Math.sign(a * d - b * c);
    let count = 0;
    for (let x = 0; x <= Math.max(a, c); x++) {
      for (let y = 0; y <= Math.max(b, d); y++) {
        const sides = [a * y - b * x, (c - a) * (y - b) - (d - b) * (x - a), -c * (y - d) + d * (x - c)];
        if (way !== 0 && sides.every((side) => side * way > 0)) count += 1;
      }
    }
    return count;
  },
  text: ([a, b, c, d]) =>
    `A triangle has the vertices (0, 0), (${a}, ${b}) and (${c}, ${d}). How many points with integer coordinates lie strictly inside it?`,
};

/** Legs and hypotenuse of right triangles. */
const TRIPLES = [
  [3, 4, 5],
  [5, 12, 13],
  [8, 15, 17],
  [7, 24, 25],
  [20, 21, 29],
  [12, 35, 37],
  [9, 40, 41],
] as const;

const triangleArea: Template = {
  levels: [1, 4],
  bounds: [
    [1, 400],
    [1, 400],
    [1, 400],
  ],
  // Two right triangles with a common leg, side by side or one taken from the other.
  draw: (random, level) => {
    const [[a, h, c], [b, g, d]] = [random.pick(TRIPLES), random.pick(TRIPLES)];
    const height = (h * g) / Number(gcdOf(BigInt(h), BigInt(g)));
    const [one, other] = [height / h, height / g];
    const size = random.int(1, level);
    const base = random.next() < 0.7 ? one * a + other * b : Math.abs(one * a - other * b);
    return [size * base, size * one * c, size * other * d].sort((x, y) => x - y);
  },
  formula: ([a = 1, b = 1, c = 1]) => {
    const product = BigInt((a + b + c) * (a + b - c)) * BigInt((a - b + c) * (b + c - a));
    let root = BigInt(Math.round(Math.sqrt(Number(product))));
    while (root * root > product) root -= 1n;
    return product <= 0n || root * root !== product || root % 4n !== 0n ? -1n : root / 4n;
  },
  // With the foot of the height on c at distance x from one end: 2 c x = b^2 + c^2 - a^2, and (2 A)^2 = c^2 (b^2 - x^2).
  count: ([a = 1, b = 1, c = 1]) => {
    const twice = b * b + c * c - a * a;
    for (let area = 1; area < 1_000; area++) if (16 * area * area === 4 * b * b * c * c - twice * twice) return area;
    return -1;
  },
  text: ([a, b, c]) => `A triangle has sides of lengths ${a}, ${b} and ${c}. Find its area.`,
};

const paintedBox: Template = {
  levels: [1, 3],
  bounds: [
    [2, 40],
    [2, 40],
    [2, 40],
    [0, 3],
  ],
  draw: (random, level) => [...Array.from({ length: 3 }, () => random.int(3, 4 + 3 * level)), random.int(0, 2)],
  formula: (parameters) => {
    const [a, b, c] = parameters.map((side) => BigInt(side - 2)) as [bigint, bigint, bigint, bigint];
    const faces = parameters[3];
    if (faces === 0) return a * b * c;
    if (faces === 1) return 2n * (a * b + b * c + a * c);
    return faces === 2 ? 4n * (a + b + c) : 8n;
  },
  count: (parameters) => {
    const [a, b, c, faces] = parameters as Four;
    const ends = (at: number, side: number): number => Number(at === 0) + Number(at === side - 1);
    let count = 0;
    for (let x = 0; x < a; x++)
      for (let y = 0; y < b; y++)
        for (let z = 0; z < c; z++) if (ends(x, a) + ends(y, b) + ends(z, c) === faces) count += 1;
    return count;
  },
  text: ([a, b, c, faces]) =>
    `A box of ${a} by ${b} by ${c} unit cubes is painted on its whole outside and then taken apart. How many of the unit cubes have exactly ${faces} painted ${faces === 1 ? "face" : "faces"}?`,
};

const rectangles: Template = {
  levels: [1, 3],
  bounds: [
    [1, 40],
    [1, 40],
    [0, 1],
  ],
  draw: (random, level) => [random.int(2, 4 + 2 * level), random.int(2, 4 + 2 * level), random.int(0, 1)],
  formula: ([columns = 1, rows = 1, onlySquares]) => {
    const [m, n] = [BigInt(columns), BigInt(rows)];
    if (onlySquares === 0) return ((m * (m + 1n)) / 2n) * ((n * (n + 1n)) / 2n);
    const [k, l] = m < n ? [m, n] : [n, m];
    return (k * (k + 1n) * (3n * l - k + 1n)) / 6n;
  },
  count: ([columns = 1, rows = 1, onlySquares]) => {
    let count = 0;
    for (let wide = 1; wide <= columns; wide++)
      for (let high = 1; high <= rows; high++)
        if (onlySquares === 0 || wide === high) count += (columns - wide + 1) * (rows - high + 1);
    return count;
  },
  text: ([columns, rows, onlySquares]) =>
    `A rectangle is divided into ${columns} by ${rows} unit squares. How many ${onlySquares === 1 ? "squares" : "rectangles (squares among them)"} of any size are there whose sides lie on the lines of the grid?`,
};

const dice: Template = {
  levels: [2, 5],
  bounds: [
    [4, 30],
    [2, 3],
    [3, 90],
  ],
  draw: (random, level) => {
    const [faces, count] = [random.int(4, 6 + 2 * level), level < 3 ? 2 : random.int(2, 3)];
    return [faces, count, random.int(count + 2, faces * count - 1)];
  },
  formula: ([faces = 4, count = 2, least = 3]) => {
    let ways = [1];
    for (let die = 0; die < count; die++) {
      const next = Array.from({ length: ways.length + faces }, () => 0);
      for (const [sum, way] of ways.entries())
        for (let face = 1; face <= faces; face++) next[sum + face] = (next[sum + face] as number) + way;
      ways = next;
    }
    const good = BigInt(ways.slice(least).reduce((sum, way) => sum + way, 0));
    const all = BigInt(faces ** count);
    return good === 0n ? -1n : (good + all) / gcdOf(good, all);
  },
  count: ([faces = 4, count = 2, least = 3]) => {
    let good = 0;
    const all = faces ** count;
    for (let roll = 0; roll < all; roll++) {
      let sum = 0;
      for (let [die, rest] = [0, roll]; die < count; die++, rest = Math.floor(rest / faces)) sum += 1 + (rest % faces);
      if (sum >= least) good += 1;
    }
    for (let p = 1; p <= good; p++) if ((p * all) % good === 0) return p + (p * all) / good;
    return -1;
  },
  text: ([faces, count, least]) =>
    `${count === 2 ? "Two" : "Three"} fair dice with the numbers 1 to ${faces} are rolled. The probability that their sum is at least ${least} is p/q, where p and q are positive integers without a common divisor greater than 1. Find p + q.`,
};

/** By name; a name stands in the questions' instances. */
export const GEOMETRY = {
  "lattice-triangle": latticeTriangle,
  "triangle-area": triangleArea,
  "painted-box": paintedBox,
  rectangles,
  dice,
} as const;
