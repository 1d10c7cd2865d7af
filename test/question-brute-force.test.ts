/** @file Checks against searches and formulas written anew here, which read the question's text as a person would. */
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { FamilyName } from "../src/schema/family-names.ts";
import type { Question } from "../src/schema/records.ts";
import { families } from "../src/questions/families.ts";
import type { RuleFamily } from "../src/questions/family.ts";

const family = (name: FamilyName): RuleFamily => families[name] as RuleFamily;
const sample = (name: FamilyName, count: number, difficulty: number): Question[] =>
  Array.from({ length: count }, (_, index) => family(name).generate(index, { seed: 11, difficulty }));

/** Whole numbers in a text, in order. */
const numbersIn = (text: string): number[] => (text.split("\n\n")[0]?.match(/(?<![\w)])-?\d+/g) ?? []).map(Number);

/** Value of a JavaScript expression; the texts are made in this repository. */
const valueOf = (expression: string): number => runInNewContext(`(${expression})`) as number;

const divisors = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
const isPrime = (n: number): boolean => {
  for (let d = 2; d <= Math.sqrt(n); d++) if (n % d === 0) return false;
  return n > 1;
};

const expressionIn = (text: string): string =>
  /(?:Work out|Compute|What is the value of) (.*?)[?.] Multiplication/.exec(text)?.[1] ?? "";

/** The answer worked out from the text alone, in another way than the family does. */
const ANSWERS: Partial<Record<FamilyName, (text: string) => string>> = {
  "basic-arithmetic": (text) => String(valueOf(expressionIn(text))),
  gcd: (text) => {
    const numbers = numbersIn(text);
    const common = divisors(Math.min(...numbers)).filter((d) => numbers.every((n) => n % d === 0));
    return String(Math.max(...common));
  },
  lcm: (text) => {
    const numbers = numbersIn(text);
    const [largest = 1] = [...numbers].sort((a, b) => b - a);
    let multiple = largest;
    while (numbers.some((n) => multiple % n !== 0)) multiple += largest;
    return String(multiple);
  },
  "count-primes": (text) => {
    const [from = 0, to = 0] = numbersIn(text);
    return String(Array.from({ length: to - from + 1 }, (_, i) => from + i).filter(isPrime).length);
  },
  "base-conversion": (text) => {
    const [, digits = "", from, to] = /number (\w+) from base (\d+) to base (\d+)/.exec(text) ?? [];
    return Number.parseInt(digits, Number(from)).toString(Number(to));
  },
  "modular-power": (text) => {
    const [, base = "0", exponent = "0", modulus = "1"] = /(\d+)\^(\d+)\D+(\d+)/.exec(text) ?? [];
    return String(BigInt(base) ** BigInt(exponent) % BigInt(modulus));
  },
  bitwise: (text) => {
    const [, expression = ""] = /(?:Compute|Work out|Evaluate) (.*?), where/.exec(text) ?? [];
    return String(valueOf(expression.replaceAll("AND", "&").replaceAll("XOR", "^").replaceAll("OR", "|")));
  },
  calendar: (text) => {
    const [, when = ""] = /(\d{1,2} [A-Z][a-z]+ \d{4})/.exec(text) ?? [];
    const [, days = "0", way] = /(\d+) days (before|after)/.exec(text) ?? [];
    const date = new Date(Date.parse(`${when} UTC`) + (way === "after" ? 1 : -1) * Number(days) * 86_400_000);
    return /day of the week/.test(text)
      ? date.toLocaleDateString("en-GB", { weekday: "long", timeZone: "UTC" })
      : date.toISOString().slice(0, 10);
  },
  "clock-time": (text) => {
    const [, hour = "0", minute = "0"] = /leaves at (\d\d):(\d\d)/.exec(text) ?? [];
    const start = Date.UTC(2001, 0, 1, Number(hour), Number(minute));
    const hours = [...text.matchAll(/(\d+) hours?/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    const minutes = [...text.matchAll(/(\d+) minutes?/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    return new Date(start + hours * 3_600_000 + minutes * 60_000).toISOString().slice(11, 16);
  },
};

describe("answers worked out anew from the text", () => {
  it.each(Object.keys(ANSWERS) as FamilyName[])("%s", (name) => {
    for (const difficulty of [1, 2, 3, 4, 5]) {
      for (const { text, answer } of sample(name, 12, difficulty))
        expect([text, (ANSWERS[name] as (text: string) => string)(text)]).toEqual([text, answer]);
    }
  });
});

describe("solutions put into the text", () => {
  it("decimal and fraction arithmetic come to the same as in floating point", () => {
    for (const name of ["decimal-arithmetic", "fraction-arithmetic"] as const) {
      for (const { text, answer } of sample(name, 40, 4)) {
        const close = valueOf(expressionIn(text));
        expect(Math.abs(valueOf(answer ?? "") - close)).toBeLessThan(1e-9 * Math.max(1, Math.abs(close)));
      }
    }
  });

  it("a linear equation, a system and a polynomial hold with their solutions", () => {
    const withProducts = (side: string): string =>
      side
        .replace(/(\d)(?=[a-z(])/g, "$1*")
        .replaceAll("^", "**")
        .replace(/-(x\*\*)/g, "-1*$1");
    for (const { text, answer } of sample("linear-equation", 60, 4)) {
      const [, left = "", right = ""] = /([-+ \dx()]+) = ([-+ \dx]+)/.exec(text) ?? [];
      const put = (side: string): number => valueOf(withProducts(side).replaceAll("x", `(${answer})`));
      expect([text, put(left)]).toEqual([text, put(right)]);
    }
    for (const { text, answer } of sample("linear-system", 40, 5)) {
      const values = (answer ?? "").split(", ");
      for (const line of text.split("\n").filter((one) => / = /.test(one))) {
        const [left = "", right = ""] = line.split(" = ");
        const put = "xyzw"
          .split("")
          .reduce((side, letter, i) => side.replaceAll(letter, `(${values[i]})`), withProducts(left));
        expect([line, valueOf(put)]).toEqual([line, Number(right)]);
      }
    }
    for (const { text, answer } of sample("polynomial-roots", 40, 4)) {
      const [, polynomial = ""] = /(-?[\dx][-+ \dx^]*) = 0/.exec(text) ?? [];
      for (const root of (answer ?? "").split(", "))
        expect([text, valueOf(withProducts(polynomial).replaceAll("x", `(${root})`)) + 0]).toEqual([text, 0]);
    }
  });

  it("prime factors are prime and multiply to the number", () => {
    for (const { text, answer } of sample("prime-factorization", 40, 4)) {
      const factors = (answer ?? "").split(" * ").map(Number);
      expect(factors.every(isPrime)).toBe(true);
      expect(factors.reduce((product, factor) => product * factor)).toBe(numbersIn(text)[0]);
    }
  });

  it("countdown's expressions come to the target with the numbers given", () => {
    for (const { text, answer } of sample("countdown", 60, 5)) {
      const [target, ...numbers] = numbersIn(text.replace(/with \+.*/, ""));
      expect(valueOf(answer ?? "")).toBe(target);
      expect(
        (answer ?? "")
          .match(/\d+/g)
          ?.map(Number)
          .sort((a, b) => a - b),
      ).toEqual(numbers);
    }
  });
});

/** Every way to pick an item for each of some places. */
function tuples<T>(items: readonly T[], length: number): T[][] {
  return Array.from({ length }).reduce<T[][]>(
    (ways) => ways.flatMap((way) => items.map((item) => [...way, item])),
    [[]],
  );
}

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
      );

describe("searches over all answers", () => {
  it("n-queens takes exactly the placements that an independent test takes", () => {
    for (const question of sample("n-queens", 12, 1)) {
      const [, given = "", blocked = ""] = /already on (.*); no queen may stand on (.*)\./.exec(question.text) ?? [];
      const squares = (text: string): string[] => text.match(/\(\d+, \d+\)/g) ?? [];
      let right = 0;
      for (const columns of permutations([1, 2, 3, 4, 5])) {
        const queens = columns.map((column, row) => `(${row + 1}, ${column})`);
        const sums = new Set(columns.map((column, row) => column + row));
        const differences = new Set(columns.map((column, row) => column - row));
        const isRight =
          sums.size === 5 &&
          differences.size === 5 &&
          squares(given).every((square) => queens.includes(square)) &&
          !squares(blocked).some((square) => queens.includes(square));
        expect(family("n-queens").verify(question, columns.join(", "))).toBe(isRight);
        if (isRight) right += 1;
      }
      expect(right).toBeGreaterThan(0);
    }
  });

  it("puzzles of truth have one solution, and no other is taken", () => {
    const subsets = (names: readonly string[]): string[] =>
      tuples([false, true], names.length).map((world) => names.filter((_, i) => world[i]).join(", ") || "none");
    for (const [name, names] of [
      ["knights-and-knaves", ["Ada", "Ben", "Cleo", "Dan"]],
      ["propositional-logic", ["A", "B", "C", "D"]],
    ] as const) {
      for (const question of sample(name, 25, 2)) {
        const right = subsets(names).filter((answer) => family(name).verify(question, answer));
        expect(right).toEqual([question.answer]);
      }
    }
  });

  it("propositional logic's conditions hold as JavaScript reads them", () => {
    for (const { text, answer } of sample("propositional-logic", 25, 4)) {
      const inside = answer === "none" ? [] : (answer ?? "").split(", ");
      for (const [, condition = ""] of text.matchAll(/^\d+\. (.*)$/gm)) {
        const [, premise, conclusion = condition] = /^if (.), then (.*)$/.exec(condition) ?? [];
        const put = (part: string): string =>
          part
            .replaceAll("not ", "!")
            .replaceAll(" or ", "||")
            .replace(/[A-H]/g, (letter) => String(inside.includes(letter)));
        const holds = valueOf(premise === undefined ? put(conclusion) : `!${put(premise)} || ${put(conclusion)}`);
        expect([condition, holds]).toEqual([condition, true]);
      }
    }
  });

  it("a Sudoku has one completion, and no other is taken", () => {
    for (const question of sample("mini-sudoku", 2, 1)) {
      const board = question.text.split("\n").slice(1, 5).join("");
      const empty = [...board].filter((cell) => cell === "_").length;
      const right = tuples(["1", "2", "3", "4"], empty)
        .map((digits) => {
          let next = 0;
          return board.replaceAll("_", () => digits[next++] ?? "");
        })
        .filter((cells) => family("mini-sudoku").verify(question, (cells.match(/.{4}/g) ?? []).join(" ")));
      expect(right).toEqual([question.answer?.replaceAll(" ", "")]);
    }
  });

  it("shortest ways are as short as the shortest of all simple ways", () => {
    for (const question of sample("shortest-path", 8, 2)) {
      const roads = new Map<string, number>();
      for (const [, from = "", to = "", length] of question.text.matchAll(/([A-F])-([A-F]) (\d+) km/g)) {
        roads.set(from + to, Number(length));
        roads.set(to + from, Number(length));
      }
      const lengthOf = (way: string): number =>
        Array.from(way.slice(1)).reduce(
          (sum, town, i) => sum + (roads.get(`${way[i]}${town}`) ?? Number.POSITIVE_INFINITY),
          0,
        );
      const ways = [0, 1, 2, 3, 4].flatMap((length) =>
        tuples(["B", "C", "D", "E"], length).map((middle) => `A${middle.join("")}F`),
      );
      const least = Math.min(...ways.map(lengthOf));
      for (const way of ways)
        expect(family("shortest-path").verify(question, [...way].join("-"))).toBe(lengthOf(way) === least);
    }
  });

  it("jugs: moves are right exactly when carrying them out gives the amount", () => {
    for (const question of sample("water-jugs", 4, 2)) {
      const [, a = "0", b = "0"] = /A holds (\d+) litres, B holds (\d+) litres/.exec(question.text) ?? [];
      const target = Number(/exactly (\d+) litre/.exec(question.text)?.[1]);
      const sizes = [Number(a), Number(b)] as const;
      for (const moves of tuples(["fill A", "fill B", "empty A", "empty B", "pour A B", "pour B A"], 4)) {
        let [left, right] = [0, 0];
        for (const move of moves) {
          if (move === "fill A") left = sizes[0];
          if (move === "fill B") right = sizes[1];
          if (move === "empty A") left = 0;
          if (move === "empty B") right = 0;
          const moved = move === "pour A B" ? Math.min(left, sizes[1] - right) : -Math.min(right, sizes[0] - left);
          if (move.startsWith("pour")) [left, right] = [left - moved, right + moved];
        }
        expect(family("water-jugs").verify(question, moves.join("; "))).toBe(left === target || right === target);
      }
    }
  });
});
