import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packNumbers, packRows, unpackNumbers, XRAY_IDS, type PageData } from "../../src/report/xray-data.ts";
import { visibleText } from "../../src/report/plain-text.ts";
import { pageFormat, pageOf, pageRow } from "../xray-rows.ts";

const ATTACK = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202e\u0007`;
const texts = { question: `What is ${ATTACK}?`, thinking: `${ATTACK}\n\u20ac`, answer: ATTACK };

/** What the page carries, read back as its script reads it. */
function dataOf(page: string): PageData {
  const [, json = ""] =
    new RegExp(`<script type="application/json" id="${XRAY_IDS.data}">(.*?)</script>`, "s").exec(page) ?? [];
  return JSON.parse(json) as PageData;
}

describe("packed numbers", () => {
  it("are the same when they are unpacked", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1))), (numbers) => {
        expect(unpackNumbers(packNumbers(numbers))).toEqual(numbers);
      }),
    );
  });
});

describe("a page", () => {
  const row = pageRow(0, texts);
  const spoiled = pageRow(1, { ...texts, question: "2?" }, (labels) => labels.map(() => -100));
  const page = pageOf([row, spoiled], `run<${ATTACK}`);

  it("holds no markup of what people and models wrote", () => {
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toContain("<img");
    expect(page).not.toContain("\u202e");
    expect(page).not.toContain("\u0007");
    expect(page).toContain("default-src &#39;none&#39;");
  });

  it("gives back every token of every row", () => {
    const { tokens, rows } = dataOf(page);
    const textOf = (place: number) =>
      unpackNumbers(rows[place]!.d)
        .map((at) => tokens[at]![1])
        .join("");
    const ids = unpackNumbers(rows[0]!.d).map((at) => tokens[at]![0]);
    expect(ids).toEqual(row.inputIds);
    expect(textOf(0)).toContain("alert(1)");
    expect(textOf(0)).toContain("<e2><82><ac>");
    expect(rows[0]).toMatchObject({ n: row.inputIds.length, k: row.thinkingTokens, t: "trace0", f: [] });
    expect(rows[0]!.x).toBe(visibleText(texts.question));
  });

  it("tells the gates that a row fails, above and with the row", () => {
    expect(dataOf(page).rows[1]!.f).toEqual([["mask-empty", "no position is trained"]]);
    expect(page).toContain('<option value="mask-empty">mask-empty (1)</option>');
    expect(pageOf([row])).toContain("All 16 gates passed in every row.");
  });

  it("takes few bytes a token", () => {
    const long = { ...texts, thinking: "so the value of x is 12, wait, let me check ".repeat(500) };
    const rows = Array.from({ length: 5 }, (_, place) => pageRow(place, long));
    const { data } = packRows(pageFormat.tokenizer, rows);
    const packed = data.rows.reduce((sum, { d }) => sum + d.length, 0);
    expect(packed / rows.reduce((sum, { inputIds }) => sum + inputIds.length, 0)).toBeLessThan(2);
  });
});
