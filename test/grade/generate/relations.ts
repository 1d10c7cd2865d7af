/** @file Answers that say something of a variable: equations, inequalities, chains. */
import { gcd, type GoldKind } from "./generated-gold.ts";

const line: GoldKind = (random) => {
  const [a, b] = [random.int(2, 9), random.int(1, 9)];
  return {
    gold: `y = ${a}x + ${b}`,
    same: {
      latex: {
        moved: `${a}x - y + ${b} = 0`,
        swapped: `${a}x + ${b} = y`,
        doubled: `2y = ${2 * a}x + ${2 * b}`,
        negated: `y - ${a}x = ${b}`,
        permuted: `y = ${b} + ${a}x`,
      },
      plain: { typed: `y = ${a}x + ${b}`, star: `y = ${a}*x + ${b}` },
    },
    other: {
      latex: {
        slope: `y = ${a + 1}x + ${b}`,
        sign: `y = ${a}x - ${b}`,
        swapped: `x = ${a}y + ${b}`,
        moved: `${a}x + y + ${b} = 0`,
        inequality: `y < ${a}x + ${b}`,
      },
    },
  };
};

const circle: GoldKind = (random) => {
  const [a, b, r] = [random.int(1, 9), random.int(1, 9), random.int(2, 9)];
  return {
    gold: `(x-${a})^2+(y-${b})^2=${r * r}`,
    same: {
      latex: {
        power: `(x-${a})^2+(y-${b})^2=${r}^2`,
        swapped: `(y-${b})^2+(x-${a})^2=${r * r}`,
        expanded: `x^2-${2 * a}x+y^2-${2 * b}y+${a * a + b * b}=${r * r}`,
        moved: `(x-${a})^2+(y-${b})^2-${r * r}=0`,
      },
    },
    other: {
      latex: {
        radius: `(x-${a})^2+(y-${b})^2=${r}`,
        sign: `(x+${a})^2+(y-${b})^2=${r * r}`,
        side: `(x-${a})^2-(y-${b})^2=${r * r}`,
      },
    },
  };
};

const inequality: GoldKind = (random) => {
  const a = random.int(1, 20);
  return {
    gold: `x < ${a}`,
    same: {
      latex: {
        flipped: `${a} > x`,
        negated: `-x > -${a}`,
        command: `x \\lt ${a}`,
        moved: `x - ${a} < 0`,
        doubled: `2x < ${2 * a}`,
        interval: `x \\in (-\\infty, ${a})`,
      },
      plain: { typed: `x < ${a}`, flipped: `${a} > x` },
    },
    other: {
      latex: {
        weak: `x \\le ${a}`,
        turned: `x > ${a}`,
        bound: `x < ${a + 1}`,
        equation: `x = ${a}`,
        sign: `-x < -${a}`,
      },
      plain: { weak: `x <= ${a}` },
    },
  };
};

const weakInequality: GoldKind = (random) => {
  const a = random.int(1, 20);
  return {
    gold: `x \\ge -${a}`,
    same: {
      latex: { geq: `x \\geq -${a}`, slanted: `x \\geqslant -${a}`, flipped: `-${a} \\le x`, moved: `x + ${a} \\ge 0` },
      plain: { typed: `x >= -${a}`, unicode: `x ≥ -${a}` },
    },
    other: { latex: { strict: `x > -${a}`, turned: `x \\le -${a}`, sign: `x \\ge ${a}` } },
  };
};

const chain: GoldKind = (random) => {
  const low = random.int(-9, 4);
  const high = low + random.int(2, 9);
  return {
    gold: `${low} \\le x < ${high}`,
    same: {
      latex: {
        flipped: `${high} > x \\ge ${low}`,
        interval: `x \\in [${low}, ${high})`,
        leq: `${low} \\leq x \\lt ${high}`,
      },
      plain: { typed: `${low} <= x < ${high}`, unicode: `${low} ≤ x < ${high}` },
    },
    other: {
      latex: {
        strict: `${low} < x < ${high}`,
        weak: `${low} \\le x \\le ${high}`,
        bound: `${low} \\le x < ${high + 1}`,
        half: `x < ${high}`,
      },
    },
  };
};

const notEqual: GoldKind = (random) => {
  const a = random.int(1, 20);
  return {
    gold: `x \\neq ${a}`,
    same: {
      latex: { short: `x \\ne ${a}`, flipped: `${a} \\neq x`, bang: `x != ${a}` },
      plain: { unicode: `x ≠ ${a}` },
    },
    other: { latex: { equal: `x = ${a}`, value: `x \\neq ${a + 1}`, less: `x < ${a}` } },
  };
};

const assignment: GoldKind = (random) => {
  const a = random.int(-20, 20);
  return {
    gold: `x = ${a}`,
    same: {
      latex: { value: `${a}`, sum: `x = ${a - 3} + 3`, chain: `x = ${a - 3} + 3 = ${a}`, swapped: `${a} = x` },
      plain: { value: `${a}`, typed: `x = ${a}`, tight: `x=${a}` },
    },
    other: {
      latex: { value: `x = ${a + 1}`, negated: `x = ${a === 0 ? 1 : -a}`, number: `${a + 1}` },
      plain: { value: `${a - 1}` },
    },
  };
};

const assignments: GoldKind = (random) => {
  const [a, b] = [random.int(1, 9), random.int(10, 19)];
  return {
    gold: `x = ${a}, y = ${b}`,
    same: {
      latex: {
        swapped: `y = ${b}, x = ${a}`,
        word: `x = ${a} \\text{ and } y = ${b}`,
        semicolon: `x = ${a};\\ y = ${b}`,
      },
      plain: { word: `x = ${a} and y = ${b}`, typed: `x = ${a}, y = ${b}` },
    },
    other: { latex: { exchanged: `x = ${b}, y = ${a}`, value: `x = ${a}, y = ${b + 1}`, one: `x = ${a}` } },
  };
};

const ratio: GoldKind = (random) => {
  const a = random.int(2, 30);
  let b = random.int(2, 30);
  while (gcd(a, b) !== 1) b += 1;
  return {
    gold: `${a}:${b}`,
    same: {
      latex: { spaced: `${a} : ${b}`, named: `S_1:S_2=${a}:${b}` },
      plain: { typed: `${a}:${b}`, spaced: `${a} : ${b}` },
    },
    other: { latex: { inverted: `${b}:${a}`, part: `${a}:${b + 1}` } },
  };
};

/** Kinds of relations by name. */
export const RELATIONS: Readonly<Record<string, GoldKind>> = {
  line,
  circle,
  inequality,
  "weak inequality": weakInequality,
  chain,
  "not equal": notEqual,
  assignment,
  assignments,
  ratio,
};
