import { describe, expect, it } from "vitest";
import { intervalFromN, publishedFor, publishedResults } from "./published-for.ts";
import { PublishedResults } from "./published-result.ts";
import { S1_PAPER } from "./s1-paper.ts";

describe("published results", () => {
  it("are valid records", () => expect(PublishedResults.parse(S1_PAPER)).toEqual(S1_PAPER));

  it("hold no figure twice", () => {
    const keys = publishedResults().map(
      ({ model, task, setting, source }) => `${model}/${task}/${setting}/${source.table}`,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("come best first, with the figures of s1's Table 1 and Table 5", () => {
    const aime24 = publishedFor("aime24");
    expect(aime24.map(({ accuracyPercent }) => accuracyPercent)).toEqual(
      aime24.map(({ accuracyPercent }) => accuracyPercent).sort((a, b) => b - a),
    );
    expect(aime24[0]).toMatchObject({ model: "o3-mini", setting: "high effort", accuracyPercent: 83.8, n: 30 });
    const figure = (task: string, model: string) =>
      publishedFor(task)
        .filter((row) => row.model === model)
        .map(({ accuracyPercent }) => accuracyPercent);
    expect(figure("aime24", "s1-32B")).toEqual([56.7, 50]);
    expect(figure("math500", "s1.1-32B")).toEqual([95.4, 95.4, 94.4]);
    expect(figure("gpqa-diamond", "o1-preview")).toEqual([73.3]);
    expect(figure("aime25", "s1-32B")).toEqual([36.7, 33.3, 30, 26.7]);
  });

  it("name a misprint, and both figures where the paper prints two", () => {
    const [r1] = publishedFor("math500").filter(({ model }) => model === "DeepSeek r1");
    expect(r1).toMatchObject({ accuracyPercent: 97.3, source: { table: 1 } });
    expect(r1?.note).toContain("07.3");
    const distill = publishedFor("aime24").filter(({ model }) => model === "DeepSeek r1-distill-Qwen-32B");
    expect(distill.map(({ accuracyPercent, note }) => [accuracyPercent, note.length > 0])).toEqual([
      [72.6, true],
      [58.3, true],
    ]);
  });

  it("take s1's headline row for the two configurations that it mixes, and its uncapped row for what it is", () => {
    const settings = (task: string) =>
      Object.fromEntries(
        publishedFor(task)
          .filter(({ model, source }) => model === "s1-32B" && source.table === 1)
          .map(({ setting, accuracyPercent }) => [setting, accuracyPercent]),
      );
    // Tables 2 and 4 print 50.0, 93.0 and 57.6 for thinking under a cap: other figures, in no row here.
    expect(settings("aime24")).toEqual({ "without budget forcing": 50, "end refused four times": 56.7 });
    expect(settings("math500")).toEqual({ "without budget forcing": 92.6, "end refused twice": 93 });
    expect(settings("gpqa-diamond")).toEqual({ "without budget forcing": 56.6, "end refused twice": 59.6 });
  });

  it("are empty for an unknown task, and for names that objects have", () => {
    expect(publishedFor("arithmetic")).toEqual([]);
    expect(publishedFor("constructor")).toEqual([]);
  });

  it("get an interval from their n: 17 of 30 is 39 to 73 %", () => {
    const [low, high] = intervalFromN({ accuracyPercent: 56.7, n: 30 });
    expect(low).toBeCloseTo(0.392, 2);
    expect(high).toBeCloseTo(0.727, 2);
  });
});
