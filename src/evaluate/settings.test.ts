import { describe, expect, it } from "vitest";
import { compareSettings, evaluationSettings, settingKey, settingKind, settingPhrase } from "./settings.ts";

const CONTEXT = 512;

describe("evaluationSettings", () => {
  it("is direct, the ladder upwards, the natural end, the waits", () => {
    expect(evaluationSettings({ budgets: [64, 16], waits: [2, 1], continuations: [] }, CONTEXT)).toEqual([
      { mode: "direct", budgetTokens: 0, waits: 0 },
      { mode: "think", budgetTokens: 16, waits: 0 },
      { mode: "think", budgetTokens: 64, waits: 0 },
      { mode: "think", budgetTokens: 512, waits: 0 },
      { mode: "think", budgetTokens: 512, waits: 1 },
      { mode: "think", budgetTokens: 512, waits: 2 },
    ]);
  });
  it("has no setting twice, and no rung that the context cuts anyway", () => {
    const settings = evaluationSettings({ budgets: [16, 512, 4_000, 16], waits: [1, 1], continuations: [1] }, CONTEXT);
    expect(settings.map(settingKey)).toEqual([
      "direct/0/0",
      "think/16/0",
      "think/512/0",
      "think/512/1",
      "think/512/1/silent",
    ]);
  });
  it("keeps a budget of 0, which is no direct answer", () => {
    expect(evaluationSettings({ budgets: [0], waits: [], continuations: [] }, CONTEXT).map(settingKey)).toContain(
      "think/0/0",
    );
  });
});

describe("names of settings", () => {
  it.each([
    [{ mode: "direct", budgetTokens: 0, waits: 0 }, "direct", "answering directly"],
    [{ mode: "think", budgetTokens: 32, waits: 0 }, "cap", "thinking up to 32 tokens"],
    [{ mode: "think", budgetTokens: 512, waits: 0 }, "natural", "thinking to its natural end"],
    [{ mode: "think", budgetTokens: 512, waits: 1 }, "wait", "thinking to its natural end with 1 forced Wait"],
    [{ mode: "think", budgetTokens: 64, waits: 2 }, "wait", "thinking up to 64 tokens with 2 forced Waits"],
    [
      { mode: "think", budgetTokens: 512, waits: 1, silent: true },
      "silent",
      "thinking to its natural end with 1 end swallowed",
    ],
    [
      { mode: "think", budgetTokens: 512, waits: 0, temperature: 0.5 },
      "sampled",
      "thinking to its natural end, sampled at temperature 0.5",
    ],
    [
      { mode: "think", budgetTokens: 64, waits: 0, temperature: 1, maxTries: 8 },
      "rejection",
      "tried up to 8 times until thinking ends within 64 tokens, sampled at temperature 1",
    ],
  ] as const)("%o is %s", (setting, kind, phrase) => {
    expect(settingKind(setting, CONTEXT)).toBe(kind);
    expect(settingPhrase(setting, CONTEXT)).toBe(phrase);
  });
  it("orders equal settings as equal", () => {
    const setting = { mode: "think", budgetTokens: 3, waits: 1 } as const;
    expect(compareSettings(setting, { ...setting }, CONTEXT)).toBe(0);
  });
});
