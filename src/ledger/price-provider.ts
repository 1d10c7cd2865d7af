/** @file Who bills an endpoint's tokens. */
import type { Endpoint } from "../schema/endpoint.ts";

/**
 * Providers by the host that answers, as `@pydantic/genai-prices` names them. Whole host names: that package's own
 * patterns would take `api.deepseek.com.example.org` for DeepSeek.
 */
const PROVIDER_OF_HOST: Readonly<Record<string, string>> = {
  "api.deepseek.com": "deepseek",
  "api.together.xyz": "together",
  "api.together.ai": "together",
  "openrouter.ai": "openrouter",
  "api.openrouter.ai": "openrouter",
  "api.fireworks.ai": "fireworks",
  "generativelanguage.googleapis.com": "google",
  "api.openai.com": "openai",
  "api.anthropic.com": "anthropic",
  "api.groq.com": "groq",
  "api.mistral.ai": "mistral",
  "api.x.ai": "x-ai",
  "api.cerebras.ai": "cerebras",
  "api.novita.ai": "novita",
  "api.moonshot.ai": "moonshotai",
  "api.moonshot.cn": "moonshotai",
  "api.z.ai": "zai",
};

/** Whose models a native API serves, wherever it is reached: a proxy passes the bill on. */
const PROVIDER_OF_TYPE = { gemini: "google", anthropic: "anthropic", openai: "openai" } as const;

/**
 * The provider in the price book, or undefined where the host tells none. A server on this machine is not free by that
 * alone: it may be a proxy.
 */
export function priceProvider(endpoint: Pick<Endpoint, "type" | "baseUrl">): string | undefined {
  if (endpoint.type !== "openai-compatible") return PROVIDER_OF_TYPE[endpoint.type];
  if (!URL.canParse(endpoint.baseUrl)) return undefined;
  const { hostname } = new URL(endpoint.baseUrl);
  return Object.hasOwn(PROVIDER_OF_HOST, hostname) ? PROVIDER_OF_HOST[hostname] : undefined;
}
