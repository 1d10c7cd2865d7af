import { describe, expect, it } from "vitest";
import type { Completion, ThinkingSetting } from "../schema/records.ts";
import { controlRows } from "./control-rows.ts";

const natural: ThinkingSetting = { mode: "think", budgetTokens: 512, waits: 0 };
const wait: ThinkingSetting = { ...natural, waits: 1 };
const direct: ThinkingSetting = { mode: "direct", budgetTokens: 0, waits: 0 };
const silent: ThinkingSetting = { ...wait, silent: true };
const sampled: ThinkingSetting = { ...natural, temperature: 0.5 };

/** One reply a question; `right` has a 1 for each right one. */
function replies(
  setting: ThinkingSetting,
  right: string,
  more: Partial<Completion> & { thinkingOf?: (index: number) => string } = {},
): Completion[] {
  const { thinkingOf, ...fields } = more;
  return [...right].map((digit, index) => ({
    schemaVersion: 1,
    questionId: `question ${index}`,
    model: "student",
    setting,
    sampleIndex: 0,
    thinking: thinkingOf?.(index) ?? "t",
    answer: digit,
    thinkingTokens: 10 * (setting.waits + 1),
    answerTokens: 2,
    end: "natural",
    answerFinish: "stop",
    grade: { outcome: digit === "1" ? "correct" : "incorrect", extracted: digit, rule: "t" },
    ...fields,
  }));
}

const main = [
  ...replies(natural, "1100"),
  ...replies(wait, "1110"),
  ...replies(direct, "0000"),
  ...replies(natural, "0000", { model: "base" }),
];

describe("controlRows", () => {
  it("pairs each control with the main student at the setting that it answers to", () => {
    const rows = controlRows(
      main,
      {
        "no-slips": [...replies(natural, "1000"), ...replies(wait, "1111"), ...replies(direct, "1111")],
        "answers-only": [...replies(direct, "0100"), ...replies(natural, "1111")],
        random: [...replies(natural, "0011"), ...replies(wait, "0000")],
        silent: replies(silent, "1001"),
        vote: [0, 1].flatMap((sampleIndex) => replies(sampled, "1010", { sampleIndex })), // ties would be drawn
      },
      { settings: { natural, wait }, votes: 2 },
    );
    expect(
      rows.map(({ control, setting, mainSetting, accuracy, mainAccuracy, onlyControl, onlyMain }) => [
        control,
        setting.mode === "direct" ? "direct" : setting.waits,
        mainSetting.waits,
        accuracy,
        mainAccuracy,
        onlyControl,
        onlyMain,
      ]),
    ).toEqual([
      ["no-slips", 0, 0, 0.25, 0.5, 0, 1],
      ["no-slips", 1, 1, 1, 0.75, 1, 0],
      ["answers-only", "direct", 0, 0.25, 0.5, 0, 1],
      ["random", 0, 0, 0.5, 0.5, 2, 2],
      ["random", 1, 1, 0, 0.75, 0, 3],
      ["silent", 1, 1, 0.5, 0.75, 1, 2],
      ["vote", 0, 1, 0.5, 0.75, 0, 1],
    ]);
    expect(rows.at(-1)).toMatchObject({ votes: 2, thinkingTokens: 20, mainThinkingTokens: 20, n: 4, pValue: 1 });
    expect(rows[0]).toMatchObject({ votes: 1, n: 4, thinkingTokens: 10, difference: -0.25 });
    expect(rows.every(({ differenceInterval, interval }) => differenceInterval !== null && interval !== null)).toBe(
      true,
    );
  });

  it("has no row for a control that was not run, and none with Wait where none was forced", () => {
    const controls = { "no-slips": replies(natural, "1000"), vote: replies(sampled, "1000") };
    expect(controlRows(main, controls, { settings: { natural, wait: null }, votes: 1 })).toHaveLength(1);
    expect(controlRows(main, {}, { settings: { natural, wait }, votes: 1 })).toEqual([]);
  });

  it("says how often a silent continuation came to the word all the same", () => {
    const thinkingOf = (index: number) => (index < 3 ? "t\nWait\nmore" : "t\nmore, Wait");
    const [row] = controlRows(
      main,
      { silent: replies(silent, "0000", { thinkingOf }) },
      { settings: { natural, wait }, votes: 1 },
    );
    expect(row?.ownWaitShare).toBe(0.75);
  });
});
