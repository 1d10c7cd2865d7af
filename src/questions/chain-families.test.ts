import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Question } from "../schema/records.ts";
import { collectQuestions } from "./collect-questions.ts";
import { chainFamilies, parseProblem } from "./chain-families.ts";
import type { ChainFamily } from "./chain-family.ts";
import { isInRange, runningValues } from "./steps.ts";

/** Runs an arithmetic text character by character; shares nothing with the product. */
function runArithmetic(text: string): number {
  return text.split(" ").reduce((value, word, i) => {
    if (i === 0) return Number(word);
    const operand = Number(word.slice(2));
    return word[1] === "+" ? value + operand : word[1] === "-" ? value - operand : value * operand;
  }, 0);
}

/** A second, tiny interpreter of the programs: statements, labels, `if(n%2)`, compound assignment, `puts`. */
function runProgram(source: string): number {
  let n = Number.NaN;
  for (const statement of source.split(";")) {
    const body = statement.replace(/^[a-z]:/, "");
    if (body === "puts(n)") return n;
    const guarded = body.startsWith("if(n%2)");
    if (guarded && n % 2 === 0) continue;
    const [, sign, value] = /n([-+*]?)=(\d+)$/.exec(body) ?? [];
    if (sign === "") n = Number(value);
    else if (sign === "+") n += Number(value);
    else if (sign === "-") n -= Number(value);
    else n *= Number(value);
  }
  throw new Error("nothing printed");
}

const cases: readonly [ChainFamily, (text: string) => number][] = [
  [chainFamilies.arithmetic, runArithmetic],
  [chainFamilies.program, runProgram],
];
const item = fc.record({ index: fc.nat(1e6), seed: fc.nat(1e6), difficulty: fc.integer({ min: 1, max: 8 }) });

describe.each(cases)("family $name", (family, run) => {
  it("makes valid records whose answer an independent executor finds too", () => {
    fc.assert(
      fc.property(item, ({ index, ...options }) => {
        const question = family.generate(index, options);
        expect(Question.parse(question)).toEqual(question);
        expect(question.answer).toBe(String(run(question.text)));
        expect(family.verify(question.text, ` ${question.answer}\n`)).toBe(true);
        expect(question.difficulty).toBe(options.difficulty);
        expect(family.generate(index, options)).toEqual(question);
      }),
      { numRuns: 400 },
    );
  });

  it("keeps every running value and operand in 0..999, and reads back what it wrote", () => {
    fc.assert(
      fc.property(item, ({ index, ...options }) => {
        const { text } = family.generate(index, options);
        const problem = family.parse(text);
        expect(problem).not.toBeNull();
        if (problem === null) return;
        expect(family.text(problem)).toBe(text);
        expect(problem.steps).toHaveLength(options.difficulty);
        expect(runningValues(problem)?.every(isInRange)).toBe(true);
        expect(problem.steps.every((step) => isInRange(step.operand))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("rejects every mutated oracle", () => {
    fc.assert(
      fc.property(item, fc.integer({ min: -999, max: 999 }), ({ index, ...options }, delta) => {
        const { text, answer } = family.generate(index, options);
        expect(family.verify(text, String(Number(answer) + delta))).toBe(delta === 0);
      }),
      { numRuns: 400 },
    );
    const { text, answer } = family.generate(0, { seed: 0, difficulty: 3 });
    for (const reply of [
      "",
      "x",
      `${answer}x`,
      `${answer} ${answer}`,
      `-${answer}`,
      `${answer}.0`,
      "9".repeat(1e6),
      `0x${answer}`,
    ]) {
      expect(family.verify(text, reply)).toBe(false);
    }
  });

  it("verifies from the text, not from a stored answer", () => {
    fc.assert(
      fc.property(item, fc.nat(1000), fc.integer({ min: 0, max: 9 }), ({ index, ...options }, place, digit) => {
        const { text, answer } = family.generate(index, options);
        const digits = [...text.matchAll(/(?<![%\d])[1-9]\d+/g)];
        const hit = digits[place % Math.max(1, digits.length)];
        if (hit === undefined) return;
        const at = hit.index + hit[0].length - 1;
        const mutated = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`;
        if (family.parse(mutated) === null) return;
        expect(family.verify(mutated, String(run(mutated)))).toBe(true);
        expect(family.verify(mutated, String(answer))).toBe(run(mutated) === Number(answer));
      }),
      { numRuns: 400 },
    );
  });

  it("mixes the operations evenly at three to five steps", () => {
    const counts = { "+": 0, "-": 0, "*": 0 };
    for (let i = 0; i < 1500; i++) {
      const { text } = family.generate(i, { seed: 3, difficulty: 3 + (i % 3) });
      for (const step of family.parse(text)?.steps ?? []) counts[step.operation]++;
    }
    const total = counts["+"] + counts["-"] + counts["*"];
    for (const count of Object.values(counts)) expect(Math.abs(count / total - 1 / 3)).toBeLessThan(0.03);
  });

  it("collects 2,000 distinct train questions in several domains, evenly over the difficulties", () => {
    const questions = collectQuestions({ family, count: 2000, difficulty: [3, 5], bucket: "train", seed: 0 });
    expect(new Set(questions.map((question) => question.id)).size).toBe(2000);
    expect(new Set(questions.map((question) => question.bucket))).toEqual(new Set(["train"]));
    expect(new Set(questions.map((question) => question.domain)).size).toBe(6);
    for (const steps of [3, 4, 5]) {
      const share = questions.filter((question) => question.difficulty === steps).length / 2000;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.05);
    }
  });

  it("never shares a question between buckets, whatever the seeds", () => {
    const train = new Set<string>();
    for (const seed of [0, 1, 2]) {
      for (const { id } of collectQuestions({ family, count: 1000, difficulty: [1, 5], bucket: "train", seed }))
        train.add(id);
    }
    const test = [7, 1, 0].flatMap((seed) =>
      collectQuestions({ family, count: 300, difficulty: [1, 5], bucket: "test", seed }),
    );
    expect(test.filter(({ id }) => train.has(id))).toEqual([]);
  });
});

describe("parsing hostile text", () => {
  it("refuses what is not a question of the notation", () => {
    const texts = [
      "",
      "62",
      "62 ",
      "062 a+36",
      "62 b+36",
      "62 a+36 c+1",
      "62 a+36 a+1",
      "62 a*1",
      "62 a*10",
      "62 a+0",
      "1000 a-5",
      "999 a+1",
      "5 a-6",
      "500 a*2",
      "62 a+36;",
      "62 a:n+=36",
      "n=62;puts(n)",
      "n=62;a:n+=36",
      "n=62;a:n+=36;puts(n);",
      "n=62;a+36;puts(n)",
      "n=62; a:n+=36;puts(n)",
      "n=62;a:if(n%3)n+=36;puts(n)",
      "62 a+1 b+1 c+1 d+1 e+1 f+1 g+1 h+1 i+1",
      "constructor",
      "62 a+36".padEnd(100_000, " b+1"),
    ];
    expect(texts.filter((text) => parseProblem(text) !== null)).toEqual([]);
    expect(chainFamilies.arithmetic.verify("999 a+1", "1000")).toBe(false);
  });

  it("reads the issue's example", () => {
    expect(chainFamilies.arithmetic.verify("62 a+36 b+27 c*5 d-88 e+23", "560")).toBe(true);
    expect(chainFamilies.program.verify("n=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)", "490")).toBe(true);
    expect(chainFamilies.program.verify("n=61;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)", "478")).toBe(true);
  });
});

it("says when a bucket's space is too small", () => {
  const question = chainFamilies.arithmetic.generate(0, { seed: 0, difficulty: 1 });
  const tiny = { name: "arithmetic", generate: () => question } as const;
  const collect = (count: number) =>
    collectQuestions({ family: tiny, count, difficulty: [1, 1], bucket: question.bucket, seed: 0 });
  expect(collect(1)).toEqual([question]);
  expect(() => collect(2)).toThrow(expect.objectContaining({ code: "limit-exceeded" }));
  // A family that has run dry is left after so many draws, however many are wanted.
  expect(() => collect(100_000)).toThrow(
    expect.objectContaining({ data: { found: 1, count: 100_000, draws: 20_000 } }),
  );
});
