import fc from "fast-check";
import { expect, test } from "vitest";
import { diffWords } from "./word-diff.ts";

const sideOf = (side: "first" | "second", runs: ReturnType<typeof diffWords>): string =>
  runs.map((run) => (run.in === "both" || run.in === side ? run.text : "")).join("");

test("a longer thought continues a shorter one", () => {
  expect(diffWords("62+36=98 98+27=125", "62+36=98 98+27=125\nWait 125*5=625")).toEqual([
    { in: "both", text: "62+36=98 98+27=125" },
    { in: "second", text: "\nWait 125*5=625" },
  ]);
  expect(diffWords("62+36=9", "62+36=98")).toEqual([
    { in: "both", text: "62+36=9" },
    { in: "second", text: "8" },
  ]);
});

test("keeps the words in common of the middle", () => {
  expect(diffWords("so a is 3 then b", "so a was 4 then b")).toEqual([
    { in: "both", text: "so a " },
    { in: "first", text: "is" },
    { in: "second", text: "was" },
    { in: "both", text: " " },
    { in: "first", text: "3" },
    { in: "second", text: "4" },
    { in: "both", text: " then b" },
  ]);
});

test("gives both texts back, whatever they are", () => {
  const text = fc.array(fc.constantFrom("a", "b", " ", "\n", "Wait", "\u202e")).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (first, second) => {
      const runs = diffWords(first, second);
      expect(sideOf("first", runs)).toBe(first);
      expect(sideOf("second", runs)).toBe(second);
      if (first === second) expect(runs.every((run) => run.in === "both")).toBe(true);
    }),
  );
});

test("texts too long for a table are told apart as a whole, at once", () => {
  const words = (word: string) => `same ${Array.from({ length: 5000 }, (_, at) => word + at).join(" ")} end`;
  const runs = diffWords(words("a"), words("b"));
  expect(runs.map((run) => run.in)).toEqual(["both", "first", "second", "both"]);
});
