import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { Endpoint } from "../schema/endpoint.ts";
import { BATCH_DISCOUNTS, FINE_TUNE_PRICES, LISTED_PRICES } from "./dated-prices.ts";
import { checkOverrides, endpointPrice } from "./endpoint-price.ts";
import { describePrice, isFree, priceAt, tokenCost } from "./price-book.ts";
import { parsePriceOverride } from "./price-override.ts";

const endpoint = (fields: object): Endpoint => Endpoint.parse(fields);
const compatible = (baseUrl: string, model: string, more: object = {}): Endpoint =>
  endpoint({ type: "openai-compatible", baseUrl, model, ...more });
const at = (text: string): Date => new Date(text);

const GEMINI = endpoint({ type: "gemini", model: "gemini-3.8-flash" });
const CLAUDE = endpoint({ type: "anthropic", model: "claude-sonnet-5" });
const LUNA = endpoint({ type: "openai", model: "gpt-6-luna" });
const DEEPSEEK = compatible("https://api.deepseek.com/v1", "deepseek-v4-pro");

describe("the list prices of real models", () => {
  it("Gemini 3.8 Flash: held at the price of 2027, settled at that of the day", () => {
    const price = endpointPrice(GEMINI);
    expect(price).toMatchObject({ provider: "gemini", inputPerMillion: 1_500_000, outputPerMillion: 7_500_000 });
    expect(price.source).toBe("@pydantic/genai-prices 0.1.8, google/gemini-3.8-flash");
    expect(priceAt(price, at("2026-12-31T23:59:59Z"))).toMatchObject({
      inputPerMillion: 750_000,
      outputPerMillion: 3_750_000,
    });
    expect(priceAt(price, at("2027-01-01T00:00:00Z"))).toMatchObject({ outputPerMillion: 7_500_000 });
    expect(describePrice(price)).toBe(
      "at most $1.50 in, $7.50 out per million tokens (@pydantic/genai-prices 0.1.8, google/gemini-3.8-flash, 2026-09-23)",
    );
  });

  it("Claude Sonnet 5: one price", () => {
    expect(endpointPrice(CLAUDE)).toEqual({
      provider: "anthropic",
      model: "claude-sonnet-5",
      inputPerMillion: 2_000_000,
      outputPerMillion: 10_000_000,
      asOf: "2026-09-23",
      source: "@pydantic/genai-prices 0.1.8, anthropic/claude-sonnet-5",
    });
  });

  it("GPT-6 Luna: dearer for prompts of more than 272,000 tokens", () => {
    const price = endpointPrice(LUNA);
    expect(price).toMatchObject({
      inputPerMillion: 100_000,
      outputPerMillion: 500_000,
      tiers: [{ abovePromptTokens: 272_000, inputPerMillion: 200_000, outputPerMillion: 750_000 }],
    });
    expect(tokenCost(price, { promptTokens: 272_000, completionTokens: 1000 })).toBe(27_700);
    expect(tokenCost(price, { promptTokens: 272_001, completionTokens: 1000 })).toBe(55_151);
  });

  it.each([
    ["Monday 03:59 UTC, morning in Beijing", "2026-11-23T03:59:00Z", 3_960_000],
    ["Monday 04:00, its lunch", "2026-11-23T04:00:00Z", 1_980_000],
    ["Friday 09:59, its afternoon", "2026-11-27T09:59:59Z", 3_960_000],
    ["Saturday 02:00", "2026-11-28T02:00:00Z", 1_980_000],
    ["Sunday 07:00", "2026-11-29T07:00:00Z", 1_980_000],
  ])("DeepSeek V4 Pro, %s", (_when, text, outputPerMillion) => {
    const price = endpointPrice(DEEPSEEK);
    expect(price).toMatchObject({ inputPerMillion: 1_320_000, outputPerMillion: 3_960_000 });
    expect(priceAt(price, at(text)).outputPerMillion).toBe(outputPerMillion);
  });

  it("drops rates that later ones had replaced before the list was made", () => {
    // o3 came down from $10 and $40 in 2025: holding at that would be five times too much.
    expect(endpointPrice(endpoint({ type: "openai", model: "o3" }))).toMatchObject({ outputPerMillion: 8_000_000 });
  });

  it.each([
    ["https://openrouter.ai/api/v1", "deepseek/deepseek-r1", 450_000],
    ["https://api.fireworks.ai/inference/v1", "accounts/fireworks/models/deepseek-r1-0528", 3_000_000],
    ["https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3.8-flash", 1_500_000],
  ])("by the host: %s %s", (baseUrl, model, inputPerMillion) => {
    expect(endpointPrice(compatible(baseUrl, model)).inputPerMillion).toBe(inputPerMillion);
  });

  it("knows dated versions of a model, and calls no relative by its price", () => {
    expect(endpointPrice(endpoint({ type: "anthropic", model: "claude-sonnet-5-20260101" })).outputPerMillion).toBe(
      1e7,
    );
    expect(endpointPrice(endpoint({ type: "openai", model: "gpt-6-luna-2026-08-01" })).outputPerMillion).toBe(5e5);
    expect(() => endpointPrice(endpoint({ type: "gemini", model: "gemini-3.8-flash-lite" }))).toThrow(
      'no price is known for model "gemini-3.8-flash-lite" of provider "gemini"; the price of gemini-3.8-flash may be another',
    );
    expect(() => endpointPrice(endpoint({ type: "anthropic", model: "claude-sonnet-5-5" }))).toThrow(
      "no price is known",
    );
  });
});

describe("a price that nobody knows", () => {
  it.each([
    "http://localhost:8000/v1",
    "http://127.0.0.1:11434/v1",
    "http://[::1]:8000/v1",
    "https://api.deepseek.com.example.org/v1",
    "https://example.org/api.openai.com/v1",
  ])("is an error and never zero: %s", (baseUrl) => {
    const refusal = (() => {
      try {
        return endpointPrice(compatible(baseUrl, "deepseek-v4-pro"));
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(AppError);
    expect((refusal as AppError).code).toBe("recipe-invalid");
    expect((refusal as AppError).hint).toContain("--price deepseek-v4-pro=0.6/2");
  });

  it("nor is what the list says nothing of, or bills by something else than tokens", () => {
    const openrouter = "https://openrouter.ai/api/v1";
    expect(() => endpointPrice(compatible(openrouter, "deepseek/deepseek-chat-v3-0324:free"))).toThrow(AppError);
    expect(() => endpointPrice(compatible(openrouter, "perplexity/sonar-deep-research"))).toThrow(AppError);
  });

  it("is free where the recipe says so", () => {
    const price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
    expect(isFree(endpointPrice(compatible("http://localhost:8000/v1", "mine", { price })))).toBe(true);
  });
});

describe("--price", () => {
  it.each([
    ["deepseek-v4-pro=0.66/1.98", "deepseek-v4-pro", 0.66, 1.98],
    ["a=b=$1/0", "a=b", 1, 0],
    ["accounts/x/models/m=2/3.5", "accounts/x/models/m", 2, 3.5],
  ])("reads %s", (text, model, inputUsdPerMillion, outputUsdPerMillion) => {
    expect(parsePriceOverride(text)).toEqual({ model, price: { inputUsdPerMillion, outputUsdPerMillion } });
  });

  it.each(["m", "m=1", "=1/2", "m=1/2/3", "m=1/x", "m=-1/2", "m=1/1e9"])("refuses %s", (text) => {
    expect(() => parsePriceOverride(text)).toThrow(AppError);
  });

  it("beats the recipe and the list, the last one of a model", () => {
    const overrides = ["deepseek-v4-pro=5/5", "deepseek-v4-pro=1/2", "other=9/9"].map(parsePriceOverride);
    const price = endpointPrice(DEEPSEEK, { overrides });
    expect(price).toEqual({
      provider: "openai-compatible",
      model: "deepseek-v4-pro",
      inputPerMillion: 1_000_000,
      outputPerMillion: 2_000_000,
      asOf: "as given",
      source: "--price",
    });
  });

  it("is refused for a model that is not asked", () => {
    const overrides = [parsePriceOverride("deepseek-v4=1/2")];
    expect(() => checkOverrides(overrides, ["deepseek-v4-pro"])).toThrow(
      '"deepseek-v4", which the recipe does not ask',
    );
    expect(() => checkOverrides(overrides, ["deepseek-v4"])).not.toThrow();
  });
});

describe("batches", () => {
  it("halve where the provider does, at every moment and length", () => {
    const gemini = endpointPrice(GEMINI, { batch: true });
    expect(gemini).toMatchObject({ inputPerMillion: 750_000, outputPerMillion: 3_750_000 });
    expect(priceAt(gemini, at("2026-12-01T00:00:00Z"))).toMatchObject({ inputPerMillion: 375_000 });
    expect(gemini.source).toContain("50 % off in batches");
    expect(endpointPrice(LUNA, { batch: true }).tiers?.[0]).toMatchObject({ outputPerMillion: 375_000 });
  });

  it("take the price that was given for that of direct calls, and nothing off where no discount is sure", () => {
    const price = { inputUsdPerMillion: 0.000003, outputUsdPerMillion: 1 };
    expect(endpointPrice(endpoint({ ...CLAUDE, price }), { batch: true })).toMatchObject({
      inputPerMillion: 2, // half of 3, up
      outputPerMillion: 500_000,
    });
    const together = compatible("https://api.together.xyz/v1", "Qwen/Qwen3-8B", { price });
    expect(endpointPrice(together, { batch: true })).toEqual(endpointPrice(together));
  });
});

describe("laws", () => {
  const prices = [
    GEMINI,
    CLAUDE,
    LUNA,
    DEEPSEEK,
    endpoint({ type: "gemini", model: "gemini-3.1-pro-preview" }),
  ].flatMap((one) => [endpointPrice(one), endpointPrice(one, { batch: true })]);
  const tokens = fc.nat({ max: 2_000_000 });
  const moment = fc.date({ min: at("2026-11-01"), max: at("2027-03-01"), noInvalidDate: true });

  it("what is held is never less than what is settled, whenever the reply comes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...prices), tokens, tokens, tokens, tokens, moment, (price, a, b, c, d, when) => {
        const used = { promptTokens: Math.min(a, b), completionTokens: Math.min(c, d) };
        const most = { promptTokens: Math.max(a, b), completionTokens: Math.max(c, d) };
        expect(tokenCost(priceAt(price, when), used)).toBeLessThanOrEqual(tokenCost(price, most));
      }),
    );
  });

  it("a cost is exact and rounded up, however large", () => {
    const size = fc.nat({ max: 1_000_000_000_000 });
    fc.assert(
      fc.property(size, size, fc.nat({ max: 80_000_000 }), (promptTokens, completionTokens, perMillion) => {
        const price = { ...prices[2]!, inputPerMillion: perMillion, outputPerMillion: perMillion };
        const cost = BigInt(tokenCost(price, { promptTokens, completionTokens }));
        const exact = (BigInt(promptTokens) + BigInt(completionTokens)) * BigInt(perMillion);
        expect(cost * 1_000_000n >= exact && (cost - 1n) * 1_000_000n < exact).toBe(true);
      }),
    );
  });
});

describe("our own dated rows", () => {
  it.each([...LISTED_PRICES, ...BATCH_DISCOUNTS, ...FINE_TUNE_PRICES].map((row) => [row.source, row] as const))(
    "%s has a day and an address",
    (source, { asOf }) => {
      expect(source).toMatch(/^https:\/\//);
      expect(asOf).toMatch(/^2026-\d\d-\d\d$/);
    },
  );
});
