import { expect, it } from "vitest";
import { GeminiReader } from "./gemini-reader.ts";

it.each([
  ["its prompt is blocked", [], "row-refused", false],
  ["it is blocked after some of it came", [{ content: { parts: [{ text: "so" }] } }], "withheld", true],
  ["it is blocked after it ended", [{ finishReason: "STOP" }], "withheld", true],
] as const)("where %s, says whether a reply was made", (_case, candidates, fault, mayBeBilled) => {
  const reader = new GeminiReader({ promptBytes: 0 });
  for (const candidate of candidates) reader.event(JSON.stringify({ candidates: [candidate] }));
  reader.event(JSON.stringify({ promptFeedback: { blockReason: "SAFETY" } }));
  expect(() => reader.reply()).toThrow(expect.objectContaining({ fault, mayBeBilled, usage: null }));
});
