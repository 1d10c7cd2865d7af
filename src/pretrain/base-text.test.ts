import { beforeAll, describe, expect, it } from "vitest";
import { bucketOf } from "../questions/bucket.ts";
import { chainFamilies, parseProblem } from "../questions/chain-families.ts";
import { parseLine, runningValues } from "../questions/steps.ts";
import { type BaseKind, LONG_LESSON, PASSES_LESSON, STEPS_LESSON } from "./base-kinds.ts";
import { type BaseDocument, baseDocument } from "./base-text.ts";

const SEEDS = [0, 1, 2];
const PER_SEED = 7000;
const bytesOf = ({ user, thinking, answer }: BaseDocument) =>
  user.length + (thinking?.length ?? 0) + (answer?.length ?? 0);

/** Every question text that stands in a text, with every beginning of an arithmetic one that is itself a question. */
function questionsIn(text: string): string[] {
  const arithmetic = [...text.matchAll(/(?<!\S)\d+(?: [a-h][-+*]\d+)+/g)].flatMap(([whole]) => {
    const words = whole.split(" ");
    return words.slice(1).map((_, i) => words.slice(0, i + 2).join(" "));
  });
  return [...arithmetic, ...[...text.matchAll(/n=\d+;.*?puts\(n\)/g)].map(([whole]) => whole)];
}

/** A pass over a question opens with its start value alone on a line. */
const isStartLine = (text: string): boolean => /^\d+$/.test(text);

describe.each([
  ["steps", STEPS_LESSON],
  ["passes", PASSES_LESSON],
  ["long", LONG_LESSON],
] as const)("lesson %s", (_name, lesson) => {
  let documents: BaseDocument[] = [];
  beforeAll(() => {
    documents = SEEDS.flatMap((seed) => Array.from({ length: PER_SEED }, (_, i) => baseDocument(lesson, i, seed)));
  });

  describe("the bucket rule", () => {
    it("holds for every question text in 21,000 documents of three seeds", () => {
      const found = new Set(documents.flatMap(({ user, thinking }) => questionsIn(`${user}\n${thinking ?? ""}`)));
      expect(found.size).toBeGreaterThan(15_000);
      expect([...found].filter((text) => parseProblem(text) === null || bucketOf(text) !== "pretrain")).toEqual([]);
      const others = [5, 6].flatMap((seed) =>
        Object.values(chainFamilies).flatMap((family) =>
          Array.from({ length: 2500 }, (_, i) => family.generate(i, { seed, difficulty: 1 + (i % 5) })),
        ),
      );
      const forbidden = others.filter((question) => question.bucket !== "pretrain");
      expect(forbidden.length).toBeGreaterThan(5000);
      expect(forbidden.filter((question) => found.has(question.text))).toEqual([]);
    });

    it("the scanner would notice", () => {
      expect(questionsIn("find ab 62 a+36 b+27\na+36")).toEqual(["62 a+36", "62 a+36 b+27"]);
      expect(questionsIn("copy n=62;a:n+=36;puts(n)\nn=62;a:n+=36;puts(n)")).toHaveLength(2);
    });
  });

  describe("no chain of reasoning", () => {
    it("no line starts from the result of the line before it, and none from its question's own value", () => {
      let pairs = 0;
      for (const { user, thinking, kind } of documents) {
        const problem = parseProblem(user.replace(/^care /, ""));
        const values = problem && runningValues(problem);
        for (const pass of (thinking ?? "").split("\nWait\n")) {
          const texts = pass.split("\n");
          const lines = (isStartLine(texts[0] ?? "") ? texts.slice(1) : texts).map(parseLine);
          for (const [i, line] of lines.entries()) {
            if (line === null) continue;
            const before = lines[i - 1];
            if (before !== undefined) pairs++;
            expect(line.left).not.toBe(before?.result);
            if (!kind.startsWith("facts")) expect(line.left).not.toBe(values?.[i]);
          }
        }
      }
      expect(pairs).toBeGreaterThan(50_000);
    });
  });

  describe("the documents", () => {
    it.runIf(lesson.opensWithStart)("open every pass over a question with its start value", () => {
      const passes = documents.flatMap(({ user, thinking, kind }) => {
        const problem = parseProblem(user.replace(/^(care|list) /, ""));
        const isPass = kind.startsWith("unrelated") || kind.startsWith("list");
        return problem && isPass
          ? (thinking ?? "").split("\nWait\n").map((pass) => [pass.split("\n")[0], String(problem.start)])
          : [];
      });
      expect(passes.length).toBeGreaterThan(5000);
      for (const [first, start] of passes) expect(first).toBe(start);
    });

    it("are reproducible one by one and differ between seeds", () => {
      expect(baseDocument(lesson, 1234, 1)).toEqual(documents[PER_SEED + 1234]);
      expect(new Set(documents.map((document) => JSON.stringify(document))).size).toBeGreaterThan(
        documents.length * 0.99,
      );
    });

    it("have the recipe's shares of the text, and the stated mean lengths", () => {
      const total = documents.reduce((sum, document) => sum + bytesOf(document), 0);
      let facts = 0;
      for (const [kind, { textShare, meanBytes }] of Object.entries(lesson.kinds)) {
        const lengths = documents.filter((document) => document.kind === (kind as BaseKind)).map(bytesOf);
        const bytes = lengths.reduce((sum, length) => sum + length, 0);
        expect(Math.abs(bytes / total - textShare), kind).toBeLessThan(0.015);
        expect(Math.abs(bytes / lengths.length / meanBytes - 1), kind).toBeLessThan(0.05);
        if (kind.startsWith("facts")) facts += bytes / total;
      }
      expect(Math.abs(facts - 0.55)).toBeLessThan(0.015);
      expect(Math.max(...documents.map(bytesOf))).toBeLessThanOrEqual(lesson.reach.documentBytes);
    });

    it("hold only right lines, and both notations, styles and branches", () => {
      const seen = new Set<string>();
      for (const { thinking, kind } of documents) {
        const isWorked = kind.startsWith("facts") || kind.startsWith("unrelated");
        for (const text of isWorked ? (thinking ?? "").split("\n") : []) {
          if (text === "Wait" || isStartLine(text)) continue;
          const line = parseLine(text);
          expect(line?.isRight, text).toBe(true);
          if (line)
            seen.add(
              `${line.style} ${line.step.item.includes(":") ? "n" : ""}${line.step.operation} ${line.step.isConditional && line.left % 2}`,
            );
        }
      }
      // 2 styles x 3 operations x (arithmetic, program, program if odd, program if even).
      expect(seen.size).toBe(24);
    });

    it("answer with the last line's result, or with the question's answer when there is no thinking", () => {
      for (const { kind, user, thinking, answer, isFinal } of documents) {
        if (kind === "direct") {
          expect(thinking).toBeNull();
          expect(Object.values(chainFamilies).some((family) => family.verify(user, answer ?? ""))).toBe(true);
        } else if (kind.startsWith("facts") || kind.startsWith("unrelated")) {
          expect(answer).toBe(String(parseLine(thinking?.split("\n").at(-1) ?? "")?.result));
        } else if (kind === "cut") {
          expect(isFinal).toBe(true);
        } else {
          expect(answer).toBeNull();
        }
      }
      const direct = documents.filter(({ kind }) => kind === "direct");
      expect(Math.abs(direct.filter(({ isFinal }) => isFinal).length / direct.length - 0.3)).toBeLessThan(0.05);
    });

    it("answer a cut from the last complete line, or inside a check from the pass before it", () => {
      const counts = { noLine: 0, firstPass: 0, inCheck: 0, complete: 0 };
      for (const { user, thinking, answer } of documents.filter(({ kind }) => kind === "cut")) {
        const problem = parseProblem(user);
        const passes = (thinking ?? "").split(/\n?Wait\n?/).map((pass) =>
          pass
            .split("\n")
            .map(parseLine)
            .filter((line) => line !== null),
        );
        const last = passes.at(-1) ?? [];
        const isChecked = passes.length > 1 && last.length === problem?.steps.length;
        const from = isChecked ? last : (passes.at(-2) ?? last);
        counts[isChecked ? "complete" : passes.length > 1 ? "inCheck" : last.length > 0 ? "firstPass" : "noLine"]++;
        const expected = from.at(-1)?.result ?? runningValues(problem ?? { start: 0, steps: [] })?.at(-1);
        expect(answer, `${user}\n${thinking}`).toBe(String(expected));
      }
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(30);
    });
  });
});
