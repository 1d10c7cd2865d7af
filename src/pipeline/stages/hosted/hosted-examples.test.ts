import { describe, expect, test } from "vitest";
import { countedExampleTokens, countedThinkingTokens } from "./counted-tokens.ts";
import { trainingChat } from "./training-chat.ts";

const trace = { thinking: "one and one", answer: "2" };

describe("trainingChat", () => {
  test("a base that has a place for reasoning gets it there", () => {
    expect(trainingChat({ text: "1+1?" }, trace, "Qwen/Qwen3-8B").messages).toEqual([
      { role: "user", content: "1+1?" },
      { role: "assistant", content: "2", reasoning_content: "one and one" },
    ]);
  });

  test("another writes delimiters; without thinking there are none", () => {
    const content = (thinking: string): string | undefined =>
      trainingChat({ text: "1+1?" }, { ...trace, thinking }, "Qwen/Qwen2.5-7B-Instruct").messages[1]?.content;
    expect(content("one and one")).toBe("<think>\none and one\n</think>\n\n2");
    expect(content("")).toBe("2");
  });
});

describe("counted tokens", () => {
  const usage = { promptTokens: 9, completionTokens: 120, reasoningTokens: 90, isEstimated: false };

  test("thinking is what the teacher says, or its share of the text", () => {
    expect(countedThinkingTokens({ ...trace, usage })).toBe(90);
    expect(countedThinkingTokens({ ...trace, usage: { ...usage, reasoningTokens: 0 } })).toBe(110); // 11 of 12 characters
    const silent = { thinking: "", answer: "", usage: { ...usage, reasoningTokens: 0 } };
    expect(countedThinkingTokens(silent)).toBe(0);
  });

  test("an example has its question and template too, and its thinking only where that is taught", () => {
    expect(countedExampleTokens({ text: "1+1?" }, { ...trace, usage }, { hasThinking: true })).toBe(120 + 2 + 32);
    expect(countedExampleTokens({ text: "1+1?" }, { ...trace, usage }, { hasThinking: false })).toBe(30 + 2 + 32);
  });
});
