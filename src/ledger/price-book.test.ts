import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Usage } from "../schema/records.ts";
import {
  BUILTIN_MODEL,
  BUILTIN_PROVIDER,
  describePrice,
  replyCost,
  findPrice,
  isFree,
  maxPromptTokens,
  tokenCost,
} from "./price-book.ts";

const given = { inputUsdPerMillion: 0.66, outputUsdPerMillion: 1.98 };

describe("price book", () => {
  it("calls the built-in teacher free, and why", () => {
    const price = findPrice(BUILTIN_PROVIDER, BUILTIN_MODEL);
    expect(isFree(price)).toBe(true);
    expect(describePrice(price)).toBe("free: runs on this machine");
    expect(tokenCost(price, { promptTokens: 1_000_000, completionTokens: 1_000_000 })).toBe(0);
  });

  it("refuses an unknown price instead of taking it for zero", () => {
    expect(() => findPrice("openai-compatible", "deepseek-reasoner")).toThrow(/no price is known/);
  });

  it("takes the recipe's price, and says where it is from", () => {
    const price = findPrice("openai-compatible", "r1", given);
    expect(price).toMatchObject({ inputPerMillion: 660_000, outputPerMillion: 1_980_000 });
    expect(describePrice(price)).toBe("$0.66 in, $1.98 out per million tokens (recipe, as given)");
    expect(isFree(findPrice("openai-compatible", "mine", { inputUsdPerMillion: 0, outputUsdPerMillion: 0 }))).toBe(
      true,
    );
  });

  it("rounds a cost up", () => {
    const price = findPrice("openai-compatible", "r1", given);
    expect(tokenCost(price, { promptTokens: 1, completionTokens: 0 })).toBe(1); // 0.66 micro-dollars
    expect(tokenCost(price, { promptTokens: 300, completionTokens: 8_000 })).toBe(16_038);
  });

  it("bounds prompt tokens by bytes, so that the worst case is one", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "é", "漢", "😀") }), (content) => {
        const bytes = new TextEncoder().encode(content).length;
        expect(maxPromptTokens([{ role: "user", content }])).toBeGreaterThan(bytes);
      }),
    );
  });
});

describe("the cost of a reply", () => {
  const price = findPrice("p", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
  const at = { price, when: new Date("2026-11-25"), worstCaseMicroUsd: 1000 };
  const usage = (isEstimated: boolean): Usage => ({
    promptTokens: 5,
    completionTokens: 70,
    reasoningTokens: 0,
    isEstimated,
  });

  it.each([
    ["what was reported", usage(false), { finishReason: "length", provenance: "hidden" }, 70],
    ["an estimate of all that was seen", usage(true), { finishReason: "stop", provenance: "raw" }, 70],
    ["its worst case where thinking was not seen", usage(true), { finishReason: "stop", provenance: "summary" }, 1000],
    ["its worst case where the limit was used", usage(true), { finishReason: "length", provenance: "raw" }, 1000],
    [
      "its worst case where a filter took the rest",
      usage(true),
      { finishReason: "content_filter", provenance: "raw" },
      1000,
    ],
    ["its worst case where nothing is known", null, undefined, 1000],
  ] as const)("is %s", (_what, used, reply, microUsd) => expect(replyCost(at, used, reply)).toBe(microUsd));
});
