import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

const NAMES = ["A", "B", "C"] as const;
/** Moves that an answer may have. */
const MOST_MOVES = 60;

const LEVELS = [
  { jugs: 2, most: 9, moves: [2, 4] },
  { jugs: 2, most: 15, moves: [4, 8] },
  { jugs: 3, most: 20, moves: [4, 6] },
  { jugs: 3, most: 30, moves: [6, 9] },
  { jugs: 3, most: 50, moves: [9, 14] },
] as const;

/** One move; jugs by number. */
type Move =
  | { readonly act: "fill" | "empty"; readonly jug: number }
  | { readonly act: "pour"; readonly jug: number; readonly into: number };

/** Jugs without marks that must measure an amount. Checked by carrying out the moves; any way there is right. */
export const waterJugs = instanceFamily({
  name: "water-jugs",
  description: "moves by which jugs without marks measure an amount of water",
  domain: "puzzles",
  levels: [
    "2 jugs to 9 litres, 2 to 4 moves needed",
    "2 to 15, 4 to 8 moves",
    "3 to 20, 4 to 6 moves",
    "3 to 30, 6 to 9 moves",
    "3 to 50, 9 to 14 moves",
  ],
  instance: z.strictObject({ sizes: z.array(whole(1, 50)).min(2).max(3), target: whole(1, 50) }),
  draw(random, level) {
    const { jugs, most, moves } = atLevel(LEVELS, level);
    const sizes = Array.from({ length: jugs }, () => random.int(2, most)).sort((a, b) => a - b);
    const target = random.int(1, (sizes.at(-1) as number) - 1);
    if (new Set(sizes).size < jugs || sizes.includes(target)) return null;
    const shortest = shortestWay(sizes, target, moves[1]);
    if (shortest === null || shortest.length < moves[0]) return null;
    return { instance: { sizes, target }, answer: shortest.map(moveText).join("; ") };
  },
  text: ({ sizes, target }, wording) => {
    const jugs = sizes.map((size, i) => `${NAMES[i]} holds ${size} litres`).join(", ");
    return `${wording.pick(["You have", "There are"])} ${sizes.length} empty jugs without marks: ${jugs}. You may fill a jug from the tap ("fill A"), empty a jug ("empty A"), or pour one jug into another until the first is empty or the second is full ("pour A B"). Find moves, at most ${MOST_MOVES}, after which one jug holds exactly ${target} ${target === 1 ? "litre" : "litres"}.`;
  },
  answerForm: ["MOVE; MOVE; ...", "each MOVE is written as in the examples above"],
  read: readMoves,
  isRight: ({ sizes, target }, moves) => {
    const level = sizes.map(() => 0);
    for (const move of moves) {
      const size = sizes[move.jug];
      const held = level[move.jug];
      if (size === undefined || held === undefined) return false;
      if (move.act !== "pour") level[move.jug] = move.act === "fill" ? size : 0;
      else {
        const other = level[move.into];
        if (other === undefined || move.into === move.jug) return false;
        const moved = Math.min(held, (sizes[move.into] as number) - other);
        level[move.jug] = held - moved;
        level[move.into] = other + moved;
      }
    }
    return level.includes(target);
  },
});

function moveText(move: Move): string {
  return `${move.act} ${NAMES[move.jug]}${move.act === "pour" ? ` ${NAMES[move.into]}` : ""}`;
}

function readMoves(text: string): Move[] | null {
  const parts = plainAnswer(text)
    .split(/\s*[;,]\s*/u)
    .filter((part) => part !== "");
  if (parts.length === 0 || parts.length > MOST_MOVES) return null;
  const moves: Move[] = [];
  for (const part of parts) {
    const [, act, from = "", into] = /^(fill|empty|pour) ([ABC])(?: (?:into |to )?([ABC]))?$/iu.exec(part) ?? [];
    const jugs = [from, into ?? ""].map((name) => NAMES.findIndex((one) => one === name.toUpperCase()));
    const [jug = -1, target = -1] = jugs;
    const isPour = act?.toLowerCase() === "pour";
    if (act === undefined || jug < 0 || isPour !== target >= 0) return null;
    moves.push(isPour ? { act: "pour", jug, into: target } : { act: act.toLowerCase() as "fill" | "empty", jug });
  }
  return moves;
}

/** The fewest moves to the amount, breadth first; null where it takes more than `most`. */
function shortestWay(sizes: readonly number[], target: number, most: number): Move[] | null {
  const jugs = sizes.map((_, i) => i);
  const moves: Move[] = jugs.flatMap((jug): Move[] => [
    { act: "fill", jug },
    { act: "empty", jug },
    ...jugs.filter((into) => into !== jug).map((into): Move => ({ act: "pour", jug, into })),
  ]);
  const seen = new Set([sizes.map(() => 0).join()]);
  let edge: { readonly level: readonly number[]; readonly way: readonly Move[] }[] = [
    { level: sizes.map(() => 0), way: [] },
  ];
  for (let length = 1; length <= most; length++) {
    const next: typeof edge = [];
    for (const { level, way } of edge) {
      for (const move of moves) {
        const after = levelAfter(level, move, sizes);
        if (after.includes(target)) return [...way, move];
        if (seen.has(after.join())) continue;
        seen.add(after.join());
        next.push({ level: after, way: [...way, move] });
      }
    }
    edge = next;
  }
  return null;
}

function levelAfter(level: readonly number[], move: Move, sizes: readonly number[]): number[] {
  const after = [...level];
  const held = level[move.jug] as number;
  if (move.act !== "pour") after[move.jug] = move.act === "fill" ? (sizes[move.jug] as number) : 0;
  else {
    const moved = Math.min(held, (sizes[move.into] as number) - (level[move.into] as number));
    after[move.jug] = held - moved;
    after[move.into] = (level[move.into] as number) + moved;
  }
  return after;
}
