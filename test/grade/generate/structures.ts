/** @file Answers with parts: matrices, tuples, sets, intervals, several values. */
import type { Prng } from "../../../src/core/prng.ts";
import type { GoldKind } from "./generated-gold.ts";

/** Different whole numbers in random order. */
function distinct(random: Prng, count: number): number[] {
  return random.shuffle(Array.from({ length: 19 }, (_, n) => n - 9)).slice(0, count);
}

const rows = (cells: readonly (readonly (number | string)[])[]): string =>
  cells.map((row) => row.join(" & ")).join(" \\\\ ");

const matrix: GoldKind = (random) => {
  const [a, b, c, d] = distinct(random, 4) as [number, number, number, number];
  const p = (cells: readonly (readonly (number | string)[])[], name = "pmatrix"): string =>
    `\\begin{${name}} ${rows(cells)} \\end{${name}}`;
  return {
    gold: p([
      [a, b],
      [c, d],
    ]),
    same: {
      latex: {
        brackets: p(
          [
            [a, b],
            [c, d],
          ],
          "bmatrix",
        ),
        "plus zero": p([
          [`${a}+0`, b],
          [c, `${d}.0`],
        ]),
        fractions: p([
          [`\\frac{${2 * a}}{2}`, b],
          [c, d],
        ]),
        "last row ended": `\\begin{pmatrix}${a}&${b}\\\\${c}&${d}\\\\\\end{pmatrix}`,
        assignment: `A = ${p([
          [a, b],
          [c, d],
        ])}`,
      },
    },
    other: {
      latex: {
        transposed: p([
          [a, c],
          [b, d],
        ]),
        entry: p([
          [a, b],
          [c, d + 1],
        ]),
        "rows swapped": p([
          [c, d],
          [a, b],
        ]),
        flat: p([[a, b, c, d]]),
        "first row": p([[a, b]]),
      },
    },
  };
};

const vector: GoldKind = (random) => {
  const [a, b, c] = distinct(random, 3) as [number, number, number];
  const column = (...cells: readonly (number | string)[]): string =>
    `\\begin{pmatrix} ${cells.join(" \\\\ ")} \\end{pmatrix}`;
  return {
    gold: column(a, b, c),
    same: {
      latex: {
        brackets: column(a, b, c).replaceAll("pmatrix", "bmatrix"),
        "over two": `\\frac{1}{2}${column(2 * a, 2 * b, 2 * c)}`,
        "in a fraction": `\\dfrac{${column(2 * a, 2 * b, 2 * c)}}{2}`,
      },
    },
    other: { latex: { swapped: column(b, a, c), negated: column(-a, -b, c === 0 ? 1 : -c), short: column(a, b) } },
  };
};

const tuple: GoldKind = (random) => {
  const [a, b, c] = distinct(random, 3) as [number, number, number];
  return {
    gold: `(${a},${b},${c})`,
    same: {
      latex: {
        spaced: `\\left( ${a}, ${b}, ${c} \\right)`,
        thin: `(${a},\\,${b},\\,${c})`,
        fractions: `\\left(\\frac{${2 * a}}{2},${b}.0,${c}+0\\right)`,
        named: `(x,y,z)=(${a},${b},${c})`,
      },
      plain: { typed: `(${a}, ${b}, ${c})` },
    },
    other: {
      latex: {
        swapped: `(${b},${a},${c})`,
        entry: `(${a},${b},${c + 1})`,
        short: `(${a},${b})`,
        long: `(${a},${b},${c},${a})`,
      },
      plain: { swapped: `(${a}, ${c}, ${b})` },
    },
  };
};

const set: GoldKind = (random) => {
  const members = distinct(random, random.int(3, 5));
  const [first = 0, ...rest] = members;
  const braced = (items: readonly (number | string)[]): string => `\\{${items.join(", ")}\\}`;
  return {
    gold: braced(members),
    same: {
      latex: {
        permuted: braced(random.shuffle(members)),
        tight: `\\left\\{${members.join(",")}\\right\\}`,
        list: random.shuffle(members).join(", "),
        fractions: braced([`\\frac{${3 * first}}{3}`, ...rest]),
        word: `${members.slice(0, -1).join(", ")} \\text{ and } ${members.at(-1)}`,
        assignment: `x = ${members.join(", ")}`,
      },
      plain: { list: members.join(", "), word: `${members.slice(0, -1).join(", ")} and ${members.at(-1)}` },
    },
    other: {
      latex: {
        dropped: braced(rest),
        added: braced([...members, 10]),
        changed: braced([first + 20, ...rest]),
        "one member": `${first}`,
      },
      plain: { dropped: rest.join(", ") },
    },
  };
};

const interval: GoldKind = (random) => {
  const low = random.int(-9, 4);
  const high = low + random.int(2, 9);
  return {
    gold: `[${low},${high})`,
    same: {
      latex: {
        spaced: `\\left[ ${low}, ${high} \\right)`,
        membership: `x \\in [${low},${high})`,
        values: `[\\frac{${2 * low}}{2},${high}.0)`,
        union: `[${low},${low + 1}]\\cup(${low + 1},${high})`,
      },
      plain: { typed: `[${low}, ${high})` },
    },
    other: {
      latex: {
        open: `(${low},${high})`,
        closed: `[${low},${high}]`,
        mirrored: `(${low},${high}]`,
        end: `[${low},${high + 1})`,
        hole: `[${low},${low + 1})\\cup(${low + 1},${high})`,
        half: `[${low},\\infty)`,
      },
    },
  };
};

const union: GoldKind = (random) => {
  const a = random.int(-9, 9);
  return {
    gold: `(-\\infty,${a})\\cup(${a},\\infty)`,
    same: {
      latex: {
        swapped: `(${a},\\infty)\\cup(-\\infty,${a})`,
        sized: `\\left(-\\infty, ${a}\\right) \\cup \\left(${a}, +\\infty\\right)`,
        membership: `x\\in(-\\infty,${a})\\cup(${a},\\infty)`,
        difference: `\\mathbb{R}\\setminus\\{${a}\\}`,
      },
      plain: { unicode: `(-∞, ${a}) ∪ (${a}, ∞)`, bare: `(-\\infty, ${a}) \\cup (${a}, \\infty)` },
    },
    other: {
      latex: {
        closed: `(-\\infty,${a}]\\cup(${a},\\infty)`,
        "one side": `(-\\infty,${a})`,
        end: `(-\\infty,${a})\\cup(${a + 1},\\infty)`,
        line: "(-\\infty,\\infty)",
      },
    },
  };
};

const plusMinus: GoldKind = (random) => {
  const a = random.int(1, 9);
  const b = random.pick([2, 3, 5, 7, 19]);
  return {
    gold: `${a} \\pm \\sqrt{${b}}`,
    same: {
      latex: {
        list: `${a}+\\sqrt{${b}}, ${a}-\\sqrt{${b}}`,
        set: `\\{${a}-\\sqrt{${b}}, ${a}+\\sqrt{${b}}\\}`,
        "minus plus": `${a} \\mp \\sqrt{${b}}`,
        assignment: `x = ${a} \\pm \\sqrt{${b}}`,
        or: `x = ${a}+\\sqrt{${b}} \\text{ or } x = ${a}-\\sqrt{${b}}`,
      },
      plain: { unicode: `${a} ± √${b}` },
    },
    other: {
      latex: {
        "one root": `${a}+\\sqrt{${b}}`,
        negated: `-${a} \\pm \\sqrt{${b}}`,
        radicand: `${a} \\pm \\sqrt{${b + 1}}`,
        three: `${a}, ${a}+\\sqrt{${b}}, ${a}-\\sqrt{${b}}`,
      },
    },
  };
};

const tuples: GoldKind = (random) => {
  const [a, b, c, d] = distinct(random, 4) as [number, number, number, number];
  return {
    gold: `(${a},${b}),(${c},${d})`,
    same: {
      latex: {
        permuted: `(${c},${d}),(${a},${b})`,
        set: `\\{(${a},${b}),(${c},${d})\\}`,
        word: `(${a},${b}) \\text{ and } (${c},${d})`,
      },
      plain: { word: `(${a}, ${b}) and (${c}, ${d})` },
    },
    other: {
      latex: { mixed: `(${a},${d}),(${c},${b})`, dropped: `(${a},${b})`, swapped: `(${b},${a}),(${c},${d})` },
    },
  };
};

/** Kinds of structures by name. */
export const STRUCTURES: Readonly<Record<string, GoldKind>> = {
  matrix,
  vector,
  tuple,
  set,
  interval,
  union,
  "plus or minus": plusMinus,
  tuples,
};
