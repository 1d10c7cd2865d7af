import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cappedText, oneLine, visibleText } from "./plain-text.ts";

describe("visibleText", () => {
  it.each([
    ["a\u0000b\u001b[31m", "a␀b␛[31m"],
    ["one\r\ntwo\ttabs", "one\ntwo\ttabs"],
    ["\u202egnp.exe", "\ufffdgnp.exe"],
    ["lone \ud800 half", "lone \ufffd half"],
    ["pair \u{1f600}", "pair \u{1f600}"],
    ["é", "é"],
    [`z${"\u0301".repeat(50)}`, `z${"\u0301".repeat(4)}`],
  ])("%j -> %j", (text, expected) => {
    expect(visibleText(text)).toBe(expected);
  });

  it("leaves no control character and changes nothing twice", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const visible = visibleText(text);
        expect(visible).not.toMatch(/(?![\t\n])\p{Cc}|[\u202a-\u202e]/u);
        expect(visibleText(visible)).toBe(visible);
      }),
    );
  });
});

describe("cappedText and oneLine", () => {
  it("counts what it leaves out", () => {
    expect(cappedText("x".repeat(5_000), 10)).toBe("xxxxxxxxxx… 4,990 characters more");
    expect(cappedText("short", 5)).toBe("short");
  });

  it("never cuts a character in two", () => {
    expect(cappedText("\u{1f600}".repeat(20), 3)).toMatch(/^(\u{1f600}){3}… /u);
  });

  it("flattens and shortens labels", () => {
    expect(oneLine("two\n lines", 20)).toBe("two lines");
    expect(oneLine("y".repeat(200), 5)).toBe("yyyy…");
  });
});
