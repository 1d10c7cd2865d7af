import { describe, expect, it } from "vitest";
import { fakeTask } from "../../test/fake-task.ts";
import { evaluationHeader, type HeaderParts, missingRequests, sampleKey, wantedSettings } from "./evaluation-plan.ts";
import { settingKey } from "./settings.ts";

const greedy = { budgets: [], waits: [], isDirect: false, temperature: 0 };

const parts = (change: Partial<HeaderParts> = {}): HeaderParts => ({
  task: fakeTask(3),
  model: { facts: { kind: "student", name: "s", digest: "a".repeat(64) }, maxTokens: 100, answerTokens: 10 },
  settings: wantedSettings(greedy, 100),
  samplesPerQuestion: 1,
  seed: 0,
  temperature: 0,
  graderVersion: "maths-1",
  sandbox: null,
  grappaVersion: "1",
  ...change,
});

describe("wanted settings", () => {
  it("are the natural end alone unless more is wanted", () => {
    expect(wantedSettings(greedy, 100)).toEqual([{ mode: "think", budgetTokens: 100, waits: 0 }]);
  });

  it("come in the order of the sweep; a budget that is no cap is the natural end", () => {
    const wanted = { budgets: [32, 200, 16, 100], waits: [2, 1], isDirect: true, temperature: 0 };
    expect(wantedSettings(wanted, 100).map(settingKey)).toEqual([
      "direct/0/0",
      "think/16/0",
      "think/32/0",
      "think/100/0",
      "think/100/1",
      "think/100/2",
    ]);
  });

  it("take no wait for the natural end, and put rejection sampling last", () => {
    const wanted = {
      budgets: [],
      waits: [0, 1],
      isDirect: false,
      temperature: 1,
      rejectAbove: [64, 32, 500],
      maxTries: 3,
    };
    expect(wantedSettings(wanted, 100).map(settingKey)).toEqual([
      "think/100/0/t1",
      "think/100/1/t1",
      "think/32/0/t1/x3",
      "think/64/0/t1/x3",
      "think/100/0/t1/x3",
    ]);
  });

  it("carry the temperature of samples", () => {
    expect(wantedSettings({ ...greedy, budgets: [16], isDirect: true, temperature: 0.7 }, 100).map(settingKey)).toEqual(
      ["direct/0/0/t0.7", "think/16/0/t0.7", "think/100/0/t0.7"],
    );
  });
});

describe("the header's id", () => {
  it("is the same for the same evaluation, whichever grappa makes it", () => {
    expect(evaluationHeader(parts({ grappaVersion: "2" })).id).toBe(evaluationHeader(parts()).id);
  });

  it.each<[string, Partial<HeaderParts>]>([
    ["data", { task: fakeTask(3, { sha256: "b".repeat(64) }) }],
    ["number of questions", { task: fakeTask(2, { sha256: fakeTask(3).sha256 }) }],
    ["seed", { seed: 1 }],
    ["samples", { samplesPerQuestion: 2 }],
    ["grader", { graderVersion: "maths-2" }],
    ["sandbox", { sandbox: { backend: "pyodide", version: "1", isPartial: true } }],
  ])("is another for another %s", (_what, change) => {
    expect(evaluationHeader(parts(change)).id).not.toBe(evaluationHeader(parts()).id);
  });
});

describe("what is missing", () => {
  const { questions } = fakeTask(4);
  const settings = wantedSettings({ ...greedy, isDirect: true }, 100);
  const header = { settings, samplesPerQuestion: 2 };

  it("is everything at first, ordered by the questions' ids, first samples first", () => {
    const requests = missingRequests(header, questions, new Set());
    const ids = questions.map(({ id }) => id).sort();
    expect(requests.map(({ questionId, sampleIndex }) => [sampleIndex, questionId])).toEqual([
      ...ids.map((id) => [0, id]),
      ...ids.map((id) => [1, id]),
    ]);
    expect(missingRequests(header, [...questions].reverse(), new Set())).toEqual(requests);
  });

  it("leaves out what is done, setting by setting", () => {
    const [first, second] = [...questions].sort((a, b) => (a.id < b.id ? -1 : 1));
    const key = (questionId: string, sampleIndex: number, setting: number): string =>
      sampleKey({ questionId, sampleIndex, setting: settings[setting]! });
    const done = new Set([key(first!.id, 0, 0), key(first!.id, 0, 1), key(second!.id, 0, 1)]);
    const requests = missingRequests(header, questions, done);
    expect(requests).toHaveLength(7);
    expect(requests[0]).toEqual({
      questionId: second!.id,
      prompt: second!.prompt,
      sampleIndex: 0,
      settings: [settings[0]],
    });
  });
});
