import { describe, expect, it } from "vitest";
import { questionId } from "../questions/bucket.ts";
import type { Question } from "../schema/records.ts";
import { notEnglish } from "./language.ts";
import { checkQuestions, s1FormatFault, strictFault } from "./question-quality.ts";

const AIME = "qq8933/AIME_1983_2024";

describe("s1FormatFault", () => {
  it.each([
    ["plain", "What is 2 + 2?", null],
    ["1: Asymptote", "See [asy] draw(A--B); [/asy]", "figure-code"],
    ["1: not in another case", "See [ASY] draw(A--B);", null],
    ["2: an image", "Look: ![Image](x.png)", "image"],
    ["2: not under another name", "Look: ![image](x.png)", null],
    ["3: a problem's number", "p1. Prove it.", "several-problems"],
    ["3: the last number", "p999. Prove it.", "several-problems"],
    ["3: a trap, the end of a word", "The value of Cp2. is 3", "several-problems"],
    ["3: no zero", "p0. Prove it.", null],
    ["3: no leading zero", "p07. Prove it.", null],
    ["3: no fourth digit", "p1000. Prove it.", null],
    ["3: no other case", "P3. Prove it.", null],
    ["3: no space before the point", "p3 . Prove it.", null],
    ["4: a bold number", "**p1** Prove it", "bold-number"],
    ["4: bold alone, the digit later on the line", "**Note** that 2 is prime", "bold-number"],
    ["4: bold with a space", "**Problem 1** Prove it", null],
    ["4: bold with a bracket", "**a]1** Prove it", null],
    ["4: the digit before", "In 2 words: **no** more", null],
    ["4: the digit on the next line", "**Note**\n2", null],
    ["4: the digit behind a carriage return, which Python does not end a line at", "**Note**\r2", "bold-number"],
    ["4: two stretches, of which the second is bold", "a** **b** 1", "bold-number"],
    ["4: four asterisks", "**** 1", "bold-number"],
    ["4: three asterisks", "*** 1", null],
    ["4: a digit of another script", "**a** ٣", "bold-number"],
    ["4: a space that Python alone takes for one", "**a\x1cb** 1", null],
  ] as const)("%s", (_, text, reason) => expect(s1FormatFault(text, "AI-MO/x")?.reason ?? null).toBe(reason));

  it("keeps what is from AIME and has Asymptote, whatever else it has", () => {
    expect(s1FormatFault("[asy] p3. ![Image] **1**", AIME)).toBeNull();
    expect(s1FormatFault("p3. ![Image] **1**", AIME)?.reason).toBe("image");
    expect(s1FormatFault("p3. **1**", AIME)?.reason).toBe("several-problems");
    expect(s1FormatFault("**1**", AIME)?.reason).toBe("bold-number");
  });
  it("takes the checks in order, and shows what it found", () => {
    expect(s1FormatFault("**1** p3. ![Image] [asy]", "x")).toEqual({ reason: "figure-code", detail: "[asy]" });
    expect(s1FormatFault("**1** Cp27. x", "x")).toEqual({ reason: "several-problems", detail: "p27." });
    expect(s1FormatFault("a **b1** c **d** 2", "x")).toEqual({ reason: "bold-number", detail: "**b1**" });
  });
  it("reads a line of asterisks in linear time: a backtracking pattern would take minutes", () => {
    expect(s1FormatFault("*".repeat(400_000), "x")).toBeNull();
    expect(s1FormatFault(`${"** ".repeat(200_000)}1`, "x")).toBeNull();
  });
});

function question(text: string, answer: string | null = "1"): Question {
  const rest = { family: "file", domain: "d", difficulty: 1, bucket: "train", metadata: {} } as const;
  return { schemaVersion: 1, id: questionId(text), text, answer, ...rest };
}

const FRENCH =
  "Soit ABC un triangle dont les côtés sont égaux. Une droite passe par le sommet et le milieu. Quelle est son aire ?";
const GERMAN =
  "Gegeben ist ein Dreieck mit den Seiten 3, 4 und 5. Wie groß ist der Flächeninhalt und der Umkreis von ABC?";

describe("strictFault", () => {
  const length = { tokensOf: (text: string) => text.length, maxTokens: 150 };
  const fault = (one: Question) => strictFault(one, { language: "en", length })?.reason ?? null;
  it.each([
    ["a good one", question("What is 2 + 2?"), null],
    ["nothing", question(" \n"), "empty-question"],
    ["no answer", question("Prove it.", null), "no-reference"],
    ["an inequality", question("For which x is 2 <|x| and |x|> 1, in <s> and [x]?"), null],
    ["another script", question("在三角形ABC中，求角A的大小，已知AB=3，BC=4，并证明结论。"), "wrong-language"],
    ["French", question(FRENCH), "wrong-language"],
    ["German", question(GERMAN), "wrong-language"],
    ["too much", question("What is ".repeat(30)), "too-long"],
  ] as const)("%s", (_, one, reason) => expect(fault(one)).toBe(reason));
  it("leaves out what it is not asked for", () => {
    expect(strictFault(question(FRENCH), {})).toBeNull();
    expect(strictFault(question("Write a program.", null), { isVerifiable: () => true })).toBeNull();
  });
});

describe("notEnglish", () => {
  it.each([
    "",
    "x^2 + y^2 = z^2",
    "Let α, β and γ be the angles of ABC with α + β = γ. Find γ if ∑ sin²α = 2.",
    "Find the area of the region that is bounded by y = x^2, les deux droites, and y = 1 for x in [0, 2].",
    "Translate into English: 你好，世界。Explain each of the words that you find, and how they are put together in it.",
    "def solve(n):\n  return [el for el in range(n) if el % 2 == 0]\n# what does it return for n = 10 and how many are there",
    "\ud800\udc00 \ud800",
  ])("says nothing of %j", (text) => expect(notEnglish(text)).toBeNull());
  it("says what it saw", () => {
    expect(notEnglish(FRENCH)).toMatch(/^\d+ common words of other languages \(most like French\), \d of English$/);
    expect(notEnglish("Решите уравнение: x + 2 = 5")).toMatch(/^\d+ % of its letters are of another script$/);
  });
});

describe("checkQuestions", () => {
  it("keeps the order, and gives each dropped question its reason", () => {
    const rows = ["b", "p3. a", "a"].map((text) => question(text));
    const { kept, dropped } = checkQuestions(rows, ({ text }) => s1FormatFault(text, ""));
    expect(kept).toEqual([rows[0], rows[2]]);
    expect(dropped).toMatchObject([{ id: rows[1]?.id, stage: "quality", reason: "several-problems", detail: "p3." }]);
  });
});
