import { describe, expect, it } from "vitest";
import { type RequestIdentity, requestKey } from "./request-key.ts";

const identity: RequestIdentity = {
  provider: "builtin",
  model: "m",
  messages: [{ role: "user", content: "1+1?" }],
  params: { temperature: 0.5, seed: 3 },
  sampleIndex: 0,
};

describe("request key", () => {
  it("is 16 hex digits that do not depend on the order of members", () => {
    expect(requestKey(identity)).toMatch(/^[0-9a-f]{16}$/);
    expect(requestKey({ ...identity, params: { seed: 3, temperature: 0.5 } })).toBe(requestKey(identity));
    expect(requestKey({ ...identity, messages: [{ content: "1+1?", role: "user" }] })).toBe(requestKey(identity));
  });

  it.each<[string, Partial<RequestIdentity>]>([
    ["provider", { provider: "other" }],
    ["model", { model: "n" }],
    ["message", { messages: [{ role: "user", content: "1+1? " }] }],
    ["role", { messages: [{ role: "system", content: "1+1?" }] }],
    ["extra system prompt", { messages: [{ role: "system", content: "" }, ...identity.messages] }],
    ["parameter", { params: { temperature: 0.6, seed: 3 } }],
    ["sample", { sampleIndex: 1 }],
  ])("changes with another %s", (_what, change) => {
    expect(requestKey({ ...identity, ...change })).not.toBe(requestKey(identity));
  });
});
