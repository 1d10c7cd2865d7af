import { expect, test } from "vitest";
import { boundedParts } from "./bounded-parts.ts";
import { splitText } from "./split-text.ts";

const block = (code: string): string => `\`\`\`java\n${code}\n\`\`\`\n`;
const languagesOf = (text: string): string[] =>
  boundedParts(splitText(text)).flatMap(({ kind, language }) => (kind === "code" ? [language] : []));

test("code is coloured but where it is long, or has a word that is", () => {
  const long = "int a = 1;\n".repeat(400);
  expect(languagesOf(block("int a;") + block(`${long}${long}`) + block(`int ${"a".repeat(500)};`))).toEqual([
    "java",
    "",
    "",
  ]);
  expect(languagesOf(block(`int ${"a".repeat(498)};`))).toEqual(["java"]);
});

test("many blocks are coloured as far as they are few characters together", () => {
  const languages = languagesOf(block("int a = 1;\n".repeat(400)).repeat(6) + block("int a;"));
  // Four of 4,399 characters, none of the next two, and a short one that still fits.
  expect(languages).toEqual(["java", "java", "java", "java", "", "", "java"]);
});

test("formulas past four hundred stay as they were written, and nothing is lost", () => {
  const text = "$x$ ".repeat(401);
  const parts = boundedParts(splitText(text));
  expect(parts.filter(({ kind }) => kind === "maths").length).toBe(400);
  expect(parts.map(({ source }) => source).join("")).toBe(text);
});
