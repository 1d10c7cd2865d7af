import { describe, expect, it } from "vitest";
import { FileSource } from "../../schema/question-source.ts";
import { questionOf } from "./map-row.ts";

type Values = Readonly<Record<string, unknown>>;

/** The question of a row of a file whose choices are the list `options` and whose answer is one of them. */
function choiceOf(values: Values) {
  const choices = { fields: ["options"], answerIs: "choice", heading: "", labels: "none" };
  const source = FileSource.parse({ type: "file", path: "own.jsonl", grader: "choice", choices });
  return questionOf({ number: 1, values: { question: "Q?", ...values } }, source, 7);
}

/** Such text cost a search for line breaks the square of its length. */
const SPACED = `a${" ".repeat(70_000)}b`;

describe("choices", () => {
  it("stand on one line each, whatever line breaks and white space they have; so does the answer that names one", () => {
    const { text, answer } = choiceOf({
      options: ["no", "\n one \r\n\n \t two\u00A0\nthree  four\n"],
      answer: "one two\n\nthree  four",
    });
    expect({ text, answer }).toEqual({ text: "Q?\nno\none two three  four", answer: "B" });
  });

  it("are no longer than a question, from a list too", () => {
    expect(() => choiceOf({ options: ["no", SPACED], answer: "no" })).toThrow(
      expect.objectContaining({ message: "row 1, field options[1]: 70002 characters exceed the limit of 65536" }),
    );
  });

  it("an answer that names one is no longer either", () => {
    expect(() => choiceOf({ options: ["no", "yes"], answer: SPACED })).toThrow(
      expect.objectContaining({ message: "row 1, field answer: 70002 characters exceed the limit of 65536" }),
    );
  });
});

describe("part, domain and metadata", () => {
  const mapping = { domain: "topic", part: "{src}", metadata: ["level"] };
  const read = (values: Values) => {
    const source = FileSource.parse({ type: "file", path: "own.jsonl", answer: "", ...mapping });
    return questionOf(
      { number: 1, values: { question: "Q?", topic: "sums", src: "", level: "one", ...values } },
      source,
      7,
    );
  };

  it("a part is cut between characters", () => {
    const whole = "x".repeat(199);
    expect(read({ src: `${whole}😀` }).metadata["part"]).toBe(whole);
    expect(read({ src: `${whole.slice(1)}😀x` }).metadata["part"]).toBe(`${whole.slice(1)}😀`);
  });

  it.each([
    ["topic", "a\0b", "a NUL character, at 1"],
    ["topic", "\ud83d", "half a surrogate pair, at 0: no character"],
    ["level", "a\0b", "a NUL character, at 1"],
    ["level", "ab\ude00", "half a surrogate pair, at 2: no character"],
  ])("%s: text that not every program can hold is refused", (field, text, problem) => {
    expect(() => read({ [field]: text })).toThrow(
      expect.objectContaining({ code: "record-invalid", message: `row 1, field ${field}: ${problem}` }),
    );
  });

  it.each([
    ["a\0b", "a NUL character, at 1"],
    ["ab\ud83d", "half a surrogate pair, at 2: no character"],
  ])("a part of such text (%j) is refused", (src, problem) => {
    expect(() => read({ src })).toThrow(expect.objectContaining({ message: `row 1, field part: ${problem}` }));
  });
});
