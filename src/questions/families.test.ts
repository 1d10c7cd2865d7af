import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng, type Prng } from "../core/prng.ts";
import { FAMILY_NAMES, type FamilyName } from "../schema/family-names.ts";
import { Question } from "../schema/records.ts";
import { families } from "./families.ts";
import type { RuleFamily } from "./family.ts";

const all = FAMILY_NAMES.map((name) => families[name]);
const byRule = all.filter((family): family is RuleFamily => family.checkedBy === "rule");
const topLevel = (name: FamilyName): number => families[name].levels.length;
const itemOf = (name: FamilyName) =>
  fc.record({
    index: fc.nat(1e6),
    seed: fc.nat(1e6),
    difficulty: fc.integer({ min: 1, max: topLevel(name) }),
  });

/** Answers that are surely wrong, made from a right one. */
type Mutate = (answer: string, random: Prng) => readonly string[];

const offByOne: Mutate = (answer, random) => {
  const value = BigInt(answer);
  const delta = BigInt(random.int(2, 900));
  return [value + 1n, value - 1n, value + delta, value - delta, value * 10n + 1n].map(String);
};

/** One item changed, the last one left out, two different ones swapped where their order counts. */
const listMutations =
  (isOrdered: boolean, join = ", "): Mutate =>
  (answer, random) => {
    const items = answer.split(join);
    const place = random.int(0, items.length - 1);
    const changed = items.map((item, i) => (i === place ? String(Number(item) + random.pick([1, -1, 2])) : item));
    const swapped = [...items].reverse();
    const isSwapWrong = isOrdered && swapped.join() !== items.join();
    return [
      changed.join(join),
      ...(items.length > 1 ? [items.slice(0, -1).join(join)] : []),
      ...(isSwapWrong ? [swapped.join(join)] : []),
    ];
  };

/** One name put in or taken out: these puzzles have one solution. */
const nameMutations =
  (names: readonly string[]): Mutate =>
  (answer) => {
    const inside = answer === "none" ? [] : answer.split(", ");
    return names.map((name) => {
      const flipped = inside.includes(name) ? inside.filter((other) => other !== name) : [...inside, name];
      return flipped.length === 0 ? "none" : flipped.join(", ");
    });
  };

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MUTATIONS: Partial<Record<FamilyName, Mutate>> = {
  "decimal-arithmetic": (answer) => [
    `${answer}${answer.includes(".") ? "" : "."}1`,
    String(Number(answer) + 1),
    `1${answer}`,
  ],
  "fraction-arithmetic": (answer) => {
    const [n = "0", d = "1"] = answer.split("/");
    // Not reduced, turned over, off by one.
    const turned = Math.abs(Number(n)) === Number(d) ? [] : [`${d}/${n}`];
    return [`${2n * BigInt(n)}/${2n * BigInt(d)}`, `${BigInt(n) + 1n}/${d}`, `${n}/${BigInt(d) + 1n}`]
      .filter((text) => BigInt(n) !== 0n || !text.startsWith("0/"))
      .concat(turned);
  },
  "prime-factorization": (answer) => {
    const factors = answer.split(" * ");
    return [
      [...factors, "1"].join(" * "),
      factors.slice(1).join(" * "),
      [...factors, "2"].join(" * "),
      String(factors.reduce((product, factor) => product * Number(factor), 1)),
    ];
  },
  "base-conversion": (answer) => [`${answer}0`, `1${answer}`, answer.slice(0, -1) || "2", `0x${answer}`],
  "linear-system": listMutations(true),
  "polynomial-roots": listMutations(false),
  "complex-arithmetic": (answer) => {
    const [, re = "0", im = ""] = /^(-?\d+)(.*)$/.exec(answer) ?? [];
    return [
      `${Number(re) + 1}${im}`,
      `${re}`,
      `${re}${im.startsWith("-") ? im.replace("-", "+") : im.replace("+", "-")}`,
      `${re}${im}i`,
    ].filter((text) => !/^-?\d+[-+]0i/.test(answer) || text === `${Number(re) + 1}${im}`);
  },
  calendar: (answer) => {
    if (WEEKDAYS.includes(answer)) return WEEKDAYS.filter((day) => day !== answer);
    const next = new Date(Date.parse(answer) + 86_400_000).toISOString().slice(0, 10);
    return [next, answer.replace(/^\d{4}/, "2999"), answer.replaceAll("-", "/"), "2020-13-45"];
  },
  "clock-time": (answer) => {
    const [hours = "", minutes = ""] = answer.split(":");
    const other = (Number(hours) + 1) % 24;
    return [
      `${String(other).padStart(2, "0")}:${minutes}`,
      `${hours}:${minutes === "00" ? "01" : "00"}`,
      `${hours}${minutes}`,
      "25:00",
    ];
  },
  countdown: (answer) => [
    `${answer} + 0`,
    `(${answer}) * 1000 / 1000`,
    `${answer} - 0.5`,
    `(${answer})/0`,
    `(${answer}) * (${answer}) / (${answer})`,
    `(${answer}`,
    answer.replace(/\d+/, "101"),
    "constructor",
  ],
  "n-queens": listMutations(false),
  "mini-sudoku": (answer) => {
    const rows = answer.split(" ");
    return [
      [...rows].reverse().join(" "),
      rows.slice(1).join(" "),
      answer.replace("1", "2"),
      answer.replaceAll("1", "9"),
    ];
  },
  "knights-and-knaves": (answer) => nameMutations(["Ada", "Ben", "Cleo"])(answer, prng("")),
  "propositional-logic": (answer) => nameMutations(["A", "B", "C"])(answer, prng("")),
  "water-jugs": (answer) => {
    const moves = answer.split("; ");
    return [
      moves.slice(0, -1).join("; "),
      "fill D",
      "pour A A",
      [...moves, "empty A", "empty B", "empty C"].join("; "),
      Array.from({ length: 61 }, () => "fill A").join("; "),
    ];
  },
  "shortest-path": (answer) => {
    const towns = answer.split("-");
    return [
      [...towns].reverse().join("-"),
      towns.slice(1).join("-"),
      towns.slice(0, -1).join("-"),
      `${answer}-A`,
      `A-${answer}`,
      "Z",
    ];
  },
  "program-trace": listMutations(true, " "),
};

/** What no family takes, whatever the question. */
const hostile = (answer: string): readonly string[] => [
  "",
  " ",
  "x",
  `${answer}x`,
  `${answer} ${answer}`,
  "9".repeat(100_000),
  "(".repeat(3_000),
  `${answer} or maybe not`,
  "\u0000",
  "__proto__",
  "process.exit()",
];

it("has at least 25 families, each in the registry by its own name", () => {
  expect(all.length).toBeGreaterThanOrEqual(25);
  expect(all.map(({ name }) => name)).toEqual([...FAMILY_NAMES]);
  for (const { description, domain, levels } of all) {
    expect(description.length).toBeLessThan(140);
    expect(description.includes("\n")).toBe(false);
    expect(domain).toMatch(/^[a-z ]+$/);
    expect(levels.length).toBeGreaterThanOrEqual(5);
  }
});

describe.each(all.map((family) => [family.name, family] as const))("%s", (name, family) => {
  it("gives valid records by random access, of a sane size", () => {
    fc.assert(
      fc.property(itemOf(name), ({ index, ...options }) => {
        const question = family.generate(index, options);
        expect(Question.parse(question)).toEqual(question);
        expect(family.generate(index, options)).toEqual(question);
        expect(question).toMatchObject({ family: name, difficulty: options.difficulty });
        expect(question.domain.startsWith(`${family.domain}/`) || question.domain.startsWith(`${name}/`)).toBe(true);
        expect(question.text.length).toBeLessThan(3_000);
        expect(JSON.stringify(question.metadata).length).toBeLessThan(12_000);
        expect(question.answer?.length).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    );
  });

  it("asks something else at another index, seed or difficulty", () => {
    const at = (index: number, seed: number, difficulty: number): string =>
      family.generate(index, { seed, difficulty }).text;
    const texts = [at(5, 5, 3), at(6, 5, 3), at(5, 6, 3), at(5, 5, 4), at(5, 5, 2), at(5, 5, 1), at(5, 5, 5)];
    expect(new Set(texts).size).toBe(texts.length);
  });

  it("rarely asks the same twice: 1,000 items of level 3 are at least 900 questions", () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => family.generate(index, { seed: 1, difficulty: 3 }).id);
    expect(new Set(ids).size).toBeGreaterThanOrEqual(900);
  });
});

describe.each(byRule.map((family) => [family.name, family] as const))("%s, checked by rule", (name, family) => {
  const mutate = MUTATIONS[name] ?? offByOne;

  it("takes the oracle, however it is dressed", () => {
    fc.assert(
      fc.property(itemOf(name), ({ index, ...options }) => {
        const question = family.generate(index, options);
        const answer = question.answer ?? "";
        expect(family.check(question, answer)).toBe("correct");
        if (name === "arithmetic" || name === "program") return;
        for (const dressed of [
          ` ${answer}\n`,
          `**${answer}**`,
          `$${answer}$`,
          `\\boxed{${answer}}`,
          `${answer}.`,
          `\\boxed{\\text{${answer}}}`,
          `\\(${answer}\\)`,
          `"${answer}"`,
          `**\`${answer}\`.**`,
        ])
          expect([dressed, family.check(question, dressed)]).toEqual([dressed, "correct"]);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses mutated oracles and junk", () => {
    fc.assert(
      fc.property(itemOf(name), ({ index, ...options }) => {
        const question = family.generate(index, options);
        const answer = question.answer ?? "";
        const random = prng(`${name}/${index}`);
        for (const wrong of [...mutate(answer, random), ...hostile(answer)]) {
          expect([question.text, wrong.slice(0, 80), family.verify(question, wrong)]).toEqual([
            question.text,
            wrong.slice(0, 80),
            false,
          ]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("says nothing of another family's question, nor of an instance that is not the text's", () => {
    const question = family.generate(3, { seed: 3, difficulty: 3 });
    const other = family.generate(4, { seed: 3, difficulty: 3 });
    const answer = question.answer ?? "";
    expect(family.check({ text: `${question.text} `.repeat(2), metadata: question.metadata }, answer)).toBe(
      "gold_error",
    );
    if (name === "arithmetic" || name === "program") return;
    for (const metadata of [
      {},
      other.metadata,
      { instance: 5 },
      { instance: "{" },
      { instance: "null" },
      { instance: `${"[".repeat(50_000)}` },
      { instance: JSON.stringify({ ...(JSON.parse(String(question.metadata.instance)) as object), answer: 5 }) },
    ])
      expect(family.check({ text: question.text, metadata }, answer)).toBe("gold_error");
  });
});

describe("a hostile instance", () => {
  const junk = [
    null,
    -1,
    1e9,
    0.5,
    "constructor",
    "__proto__",
    "",
    "x".repeat(300),
    [],
    [[[[[]]]]],
    {},
    true,
    Number.MAX_SAFE_INTEGER,
  ];

  /** A copy in which one leaf, told by `place`, is another value. */
  function spoilt(value: unknown, place: number, other: unknown): unknown {
    let left = place;
    const visit = (node: unknown): unknown => {
      if (left-- === 0) return other;
      if (Array.isArray(node)) return node.map(visit);
      if (typeof node !== "object" || node === null) return node;
      return Object.fromEntries(Object.entries(node).map(([key, member]) => [key, visit(member)]));
    };
    return visit(value);
  }

  it.each(all.filter(({ name }) => name !== "arithmetic" && name !== "program"))(
    "$name throws nothing and takes nothing",
    (family) => {
      for (let place = 0; place < 40; place++) {
        const { text, metadata, answer } = family.generate(place, { seed: 8, difficulty: 1 + (place % 5) });
        for (const other of junk) {
          const instance = JSON.stringify(spoilt(JSON.parse(String(metadata.instance)), place, other));
          if (instance === metadata.instance) continue;
          const question = { text, metadata: { ...metadata, instance } };
          if (family.checkedBy === "tests") expect(family.tests(question)).toBeNull();
          else expect(family.check(question, answer ?? "")).toBe("gold_error");
        }
      }
    },
  );
});

it("is pinned: an item that changes makes earlier runs unrepeatable", () => {
  const pins = all.map(({ name, generate }) => `${name} ${generate(12, { seed: 3, difficulty: 3 }).id}`);
  expect(pins).toMatchInlineSnapshot(`
    [
      "arithmetic b653f6d3594217e3",
      "program d8b1e456cf234243",
      "basic-arithmetic 33caceffe8f483a9",
      "decimal-arithmetic 0e6d14795971cf21",
      "fraction-arithmetic f76a9912be04de1e",
      "gcd 8ed720c91b6a8b99",
      "lcm fc4054c9d2044d01",
      "prime-factorization 8c5116043ab371c6",
      "count-primes 0d3deeef007111a7",
      "base-conversion 1e7331812940c24f",
      "modular-power 451617d719f3cc1b",
      "bitwise 9e97eb261bfdcc69",
      "linear-equation b125b1ce1285f9ba",
      "linear-system 89151bfc228ab2f5",
      "polynomial-roots 2e6b8c310308c2da",
      "complex-arithmetic 08db6df0edaf1085",
      "number-sequence d2d1fd3ae3efa353",
      "counting 056305bb9405793f",
      "calendar 6ad86b806cd66297",
      "clock-time 20e775aa9a9fbb6b",
      "countdown 10cbd548a3e70551",
      "n-queens 8f8320869a3baf94",
      "mini-sudoku 4a50e724f7286409",
      "knights-and-knaves 6053acc5f203f58e",
      "water-jugs 2465e447aa8ceb89",
      "shortest-path d1494753745c45df",
      "propositional-logic 563f22d48e13b9fd",
      "competition 3dead2f73154807f",
      "program-trace 737b7e227ae731f0",
      "programming d05e4bca6ee57fae",
    ]
  `);
});
