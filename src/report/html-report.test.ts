import { describe, expect, it } from "vitest";
import { direct, fakeRunResults, fakeScore, NATURAL, think } from "../../test/report/fake-run-results.ts";
import { checkNesting, readTags } from "../../test/report/markup-check.ts";
import { DARK_PALETTE, LIGHT_PALETTE } from "./charts/chart-style.ts";
import { htmlReport } from "./html-report.ts";
import type { RunResults } from "./run-results.ts";

const ATTACK = `</script></style></title><img src=x onerror="alert('1')"><!-- \u0000\u001b[31m\u202e \`\${} ]]>`;
/** Fields whose values steer the report; a schema guards them, so an attack cannot stand there. */
const CLOSED = new Set([
  "model",
  "mode",
  "end",
  "answerFinish",
  "outcome",
  "type",
  "tokensBasis",
  "costBasis",
  "spentBasis",
]);

/** The same results with the attack added to every text, and to every key of the reasons. */
function attacked(value: unknown, key = ""): unknown {
  if (typeof value === "string")
    return CLOSED.has(key) || (key === "family" && value === "all") ? value : value + ATTACK;
  if (Array.isArray(value)) return value.map((member: unknown) => attacked(member, key));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, member]: [string, unknown]) => {
    return [key === "reasons" ? name + ATTACK : name, attacked(member, name)];
  });
  return Object.fromEntries(entries) as unknown;
}

const page = htmlReport(fakeRunResults());

describe("hostile text", () => {
  const hostile = htmlReport(attacked(fakeRunResults()) as RunResults);

  it("adds no element and no attribute that the honest report lacks", () => {
    const vocabulary = (text: string) =>
      new Set(
        readTags(text).flatMap(({ name, attributes }) => [
          name,
          ...[...attributes.keys()].map((key) => `${name}@${key}`),
        ]),
      );
    checkNesting(readTags(hostile));
    expect([...vocabulary(hostile)].filter((word) => !vocabulary(page).has(word))).toEqual([]);
    expect(hostile).not.toMatch(/(?![\t\n])\p{Cc}|[\u202a-\u202e]/u);
  });

  it("still shows the attack as text, in questions, replies, reasons, traces and versions", () => {
    const shown = hostile.split("&lt;/script&gt;").length - 1;
    expect(shown).toBeGreaterThan(50);
  });

  it("caps a megabyte of model output", () => {
    const results = fakeRunResults();
    const long = "x".repeat(1_000_000);
    const [example] = results.examples;
    const replies = example!.replies.map((reply) => ({ ...reply, thinking: [{ text: long, isForced: false }] }));
    const question = { ...example!.question, text: long };
    const text = htmlReport({
      ...results,
      runId: long,
      examples: Array.from({ length: 50 }, () => ({ question, replies })),
    });
    expect(text.length).toBeLessThan(400_000);
    expect(text).toContain("996,000 characters more");
  });
});

describe("the page", () => {
  const tags = readTags(page);

  it("is one file without script or network", () => {
    expect(page).not.toMatch(/<script|\bsrc=|@import|url\(/);
    const links = tags.flatMap(({ attributes }) => [attributes.get("href"), attributes.get("action")]).filter(Boolean);
    expect(links.filter((link) => !link?.startsWith("data:"))).toEqual([]);
    expect(page).toContain("default-src &#39;none&#39;");
    expect(page.length).toBeLessThan(150_000);
  });

  it("has one h1, no skipped level, captions, chart titles and unique ids", () => {
    const levels = tags
      .filter(({ name, isClosing }) => /^h[1-6]$/.test(name) && !isClosing)
      .map(({ name }) => Number(name[1]));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.every((level, index) => index === 0 || level <= levels[index - 1]! + 1)).toBe(true);
    const opened = (name: string) => tags.filter((tag) => tag.name === name && !tag.isClosing).length;
    expect(opened("caption")).toBe(opened("table"));
    expect(page.match(/<svg [^>]*>\n<title/g)).toHaveLength(opened("svg"));
    const ids = tags.map(({ attributes }) => attributes.get("id")).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    checkNesting(tags);
  });

  it("says the sentence, both numbers with n and interval, and where the money went", () => {
    expect(page).toContain("It now answers 79\u00a0% of unseen questions; before, 1\u00a0%.");
    expect(page).toContain("n\u00a0=\u00a0300, 95\u00a0% interval 74.0–83.2\u00a0%");
    expect(page).toContain("free: everything ran on this machine");
    expect(page).toContain("slips in 25\u00a0% of its quick passes");
  });
});

describe("edges", () => {
  it.each<[string, Partial<RunResults>]>([
    ["nothing scored", { scores: [] }],
    ["n = 0", { scores: [fakeScore({ model: "student", setting: think(NATURAL), correct: 0, n: 0, tokens: 0 })] }],
    ["one budget, no base", { scores: [fakeScore({ model: "student", setting: think(32), correct: 9, tokens: 31 })] }],
    ["only direct", { scores: [fakeScore({ model: "base", setting: direct, correct: 9, tokens: 0 })] }],
    [
      "no training, funnel, examples, traces, ledger",
      { trainSteps: [], funnel: [], examples: [], traces: [], ledger: [], metrics: null },
    ],
    ["one step", { trainSteps: fakeRunResults().trainSteps.slice(0, 1) }],
  ])("%s: a whole page without NaN", (_name, changes) => {
    const text = htmlReport(fakeRunResults(changes));
    checkNesting(readTags(text));
    expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  it("claims no gain that the test does not show", () => {
    const { verdict } = fakeRunResults();
    const text = htmlReport(fakeRunResults({ verdict: { ...verdict, pValue: 0.06 } }));
    expect(text).toContain("No clear gain: after 1,000 worked solutions");
  });
});

/** WCAG 2 contrast ratio of two colours in hex. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ["light", LIGHT_PALETTE],
  ["dark", DARK_PALETTE],
])("%s palette", (_name, palette) => {
  const colours = new Map(
    [...palette.matchAll(/--([a-z-]+):(#[0-9a-f]{6})/g)].map(([, name, hex]) => [name ?? "", hex ?? ""]),
  );
  const pairs = ["ink", "muted", "student", "base", "good", "bad"].flatMap((text) => [
    [text, "paper"],
    [text, "panel"],
  ]);

  it.each([...pairs, ["ink", "forced"], ["ink", "student-soft"]])("%s on %s reads", (text, ground) => {
    expect(contrast(colours.get(text!)!, colours.get(ground!)!)).toBeGreaterThanOrEqual(4.5);
  });
});
