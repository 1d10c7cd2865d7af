import fc from "fast-check";
import { expect, test } from "vitest";
import { splitText } from "./split-text.ts";

const kinds = (text: string) => splitText(text).map(({ kind, content }) => [kind, content]);

test("finds formulas and code by their marks", () => {
  expect(kinds("so $x^2$ and \\(y\\) is $$z$$ or \\[w\\].")).toEqual([
    ["text", "so "],
    ["maths", "x^2"],
    ["text", " and "],
    ["maths", "y"],
    ["text", " is "],
    ["display", "z"],
    ["text", " or "],
    ["display", "w"],
    ["text", "."],
  ]);
  expect(splitText("a\n```Python\nprint($x$)\n```\nb")[1]).toMatchObject({
    kind: "code",
    content: "print($x$)",
    language: "python",
  });
  expect(kinds("```py\nunfinished")).toEqual([["code", "unfinished"]]);
});

test.each(["costs $5 and $6", "$5-$6", "a $ b $ c", "open \\( for ever", "$", "$$$$", "not ``` a fence", "```"])(
  "leaves %s alone",
  (text) => expect(kinds(text)).toEqual([["text", text]]),
);

test("loses nothing, whatever the text", () => {
  const piece = fc.constantFrom("$", "$$", "\\(", "\\)", "\\[", "\\]", "```", "\n", "x", " 1", "<b>");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      expect(
        splitText(text)
          .map(({ source }) => source)
          .join(""),
      ).toBe(text);
    }),
  );
});

test("takes no time to speak of for a megabyte of open marks", () => {
  const began = performance.now();
  for (const mark of ["\\[ ", "$a ", "\n```x y"]) splitText(mark.repeat((1 << 20) / mark.length));
  expect(performance.now() - began).toBeLessThan(4000);
});
