import { describe, expect, it } from "vitest";
import { LICENCES, PROVIDERS, SELF_HOSTED } from "./terms-table.ts";
import { termsGate, termsOf } from "./terms-of-use.ts";

const compatible = (baseUrl: string, model = "m") => ({ type: "openai-compatible", baseUrl, model }) as const;
const names = (endpoint: Parameters<typeof termsOf>[0]) => termsOf(endpoint).map(({ provider }) => provider);

describe("termsOf", () => {
  it.each([
    ["https://api.deepseek.com/v1", "deepseek"],
    ["https://api.together.xyz/v1", "together"],
    ["https://api.together.ai/v1", "together"],
    ["https://api.fireworks.ai/inference/v1", "fireworks"],
    ["https://OpenRouter.ai/api/v1", "openrouter"],
    ["https://generativelanguage.googleapis.com/v1beta/openai", "gemini"],
    ["https://api.openai.com/v1", "openai"],
    ["https://deepseek.com.evil.example/v1", "deepseek.com.evil.example"],
    ["https://notdeepseek.com/v1", "notdeepseek.com"],
  ])("knows the provider of %s", (baseUrl, provider) => {
    expect(names(compatible(baseUrl))).toEqual([provider]);
  });

  it.each([
    "http://127.0.0.1:8000/v1",
    "http://localhost:11434/v1",
    "http://[::1]:8000/v1",
    "http://10.1.2.3:8000/v1",
    "http://172.31.0.1/v1",
    "http://192.168.1.4:1234/v1",
    "http://gpu-box:8000/v1",
    "http://gpu.local:8000/v1",
  ])("takes %s for a server of the user's own", (baseUrl) => {
    expect(termsOf(compatible(baseUrl))).toEqual([SELF_HOSTED]);
  });

  it.each(["http://172.32.0.1/v1", "http://8.8.8.8/v1", "http://[2001:db8::1]/v1", "https://llm.example.com/v1"])(
    "knows nothing of %s",
    (baseUrl) => {
      const [terms] = termsOf(compatible(baseUrl));
      expect([terms?.mayTrain, terms?.source, terms?.textOf]).toEqual(["unknown", null, null]);
    },
  );

  it("holds a proxy of a native API to the terms of that API, and a test server on loopback to none", () => {
    const model = "gemini-3.8-flash";
    expect(names({ type: "gemini", baseUrl: "https://proxy.example.com/v1beta", model })).toEqual(["gemini"]);
    expect(names({ type: "gemini", baseUrl: "http://127.0.0.1:9/v1beta", model })).toEqual(["self-hosted"]);
  });

  it.each([
    ["meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama"],
    ["llama3.1:8b", "llama"],
    ["accounts/fireworks/models/llama-v3p1-405b-instruct", "llama"],
    ["meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "llama"],
    ["meta-llama/Meta-Llama-3-70B-Instruct", "llama-2-3"],
    ["llama2:13b", "llama-2-3"],
    ["deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "llama"],
    ["deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "deepseek-weights"],
    ["deepseek-ai/DeepSeek-V4-Pro", "deepseek-weights"],
    ["deepseek-ai/DeepSeek-V3.1", "deepseek-weights"],
    ["deepseek-ai/DeepSeek-V3", undefined],
    ["openai/gpt-oss-120b", "gpt-oss"],
    ["zai-org/GLM-4.6", "glm"],
    ["glm-4-9b", undefined],
    ["Qwen/Qwen3-235B-A22B-Thinking-2507", "qwen"],
    ["qwen/qwen3-max", undefined],
    ["Qwen/Qwen2.5-72B-Instruct", undefined],
  ])("finds the licence of %s by its name", (model, licence) => {
    expect(names(compatible("http://127.0.0.1:8000/v1", model))[1]).toBe(licence);
  });
});

describe("termsGate", () => {
  const deepseek = compatible("https://api.deepseek.com/v1", "deepseek-v4-flash");
  const gemini = { type: "gemini", baseUrl: "https://generativelanguage.googleapis.com/v1beta", model: "g" } as const;
  const llama = compatible("https://api.together.xyz/v1", "meta-llama/Llama-3.3-70B-Instruct-Turbo");
  const obstacles = (accepted: readonly string[], ...endpoints: Parameters<typeof termsGate>[0]) =>
    termsGate(endpoints, accepted).map(({ terms }) => terms.provider);

  it("asks nothing where training is allowed", () => {
    expect(obstacles([], deepseek, compatible("http://localhost:8000/v1", "Qwen/Qwen3-8B"))).toEqual([]);
  });

  it("asks for each provider and licence that forbids, conditions or is unknown, once", () => {
    expect(obstacles([], gemini, llama, gemini, compatible("https://llm.example.com/v1"))).toEqual([
      "gemini",
      "together",
      "llama",
      "llm.example.com",
    ]);
  });

  it("is passed by the names accepted, in any case, and by no others", () => {
    expect(obstacles(["Gemini", "together"], gemini, llama)).toEqual(["llama"]);
    expect(obstacles(["openai"], gemini)).toEqual(["gemini"]);
  });

  it("names the clause, where it stands, its date, and what to do", () => {
    const [obstacle] = termsGate([gemini], []);
    expect(obstacle?.message).toMatch(
      /^Google Gemini API: .*Additional Terms.*competes.*gemini-api\/terms, text of 2026/,
    );
    expect(obstacle?.hint).toContain("--accept-terms gemini");
  });
});

describe("the table", () => {
  const all = [...PROVIDERS, SELF_HOSTED, ...LICENCES];

  it("names each entry once, in the form that --accept-terms takes", () => {
    const given = all.map(({ provider }) => provider);
    expect(new Set(given).size).toBe(given.length);
    expect(given.filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
  });

  it("claims no verdict on a text that nobody read", () => {
    const unread = all.filter(({ textOf, provider }) => textOf === null && provider !== "self-hosted");
    expect(unread.map(({ mayTrain }) => mayTrain)).toEqual(unread.map(() => "unknown"));
    const dates = all.flatMap(({ textOf }) => (textOf === null ? [] : [textOf]));
    expect(dates.filter((date) => !/^20\d\d-\d\d-\d\d$/.test(date) || date > "2026-11-25")).toEqual([]);
  });
});
