/** @file `thinking.rejectAbove` over HTTP: kept or given up, whole or streamed, and every token on the bill. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningServer, serveForTest } from "./serve-demo.ts";

let server: RunningServer;
beforeAll(async () => {
  server = await serveForTest();
});
afterAll(() => server.stop());

const post = (more: object) =>
  fetch(`${server.api}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "demo-base",
      messages: [{ role: "user", content: "62 a+36 b+27" }],
      temperature: 1,
      ...more,
    }),
  });

interface Choice {
  message: { content: string; reasoning_content?: string };
  finish_reason: string;
  logprobs: { content: { token: string }[] } | null;
  grappa: {
    tries: number;
    rejected_tokens: number;
    gave_up: boolean;
    thinking_end: string | null;
    thinking_tokens: number;
  };
}
interface Reply {
  choices: Choice[];
  usage: { completion_tokens: number; completion_tokens_details: { reasoning_tokens: number } };
}
const ask = async (more: object): Promise<Reply> => (await (await post(more)).json()) as Reply;

describe("sampling until thinking is short enough", () => {
  test("keeps what fits, gives up what never does, and bills what was thrown away", async () => {
    const cap = 60;
    const { choices, usage } = await ask({ n: 16, seed: 3, thinking: { rejectAbove: cap, maxTries: 4 } });
    const gaveUp = choices.filter(({ grappa }) => grappa.gave_up);
    expect([gaveUp.length > 0, gaveUp.length < choices.length]).toEqual([true, true]);
    for (const { message, finish_reason, grappa } of choices) {
      const { tries, rejected_tokens: rejected, gave_up: isGivenUp } = grappa;
      expect(rejected).toBe((cap + 1) * (isGivenUp ? tries : tries - 1));
      expect(grappa.thinking_tokens - rejected).toBeLessThanOrEqual(cap);
      if (isGivenUp)
        expect([tries, message.content, message.reasoning_content, finish_reason, grappa.thinking_end]).toEqual([
          4,
          "",
          undefined,
          "length",
          null,
        ]);
      else expect(grappa.thinking_end).toBe("natural");
    }
    const thinking = choices.reduce((sum, { grappa }) => sum + grappa.thinking_tokens, 0);
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(thinking);
    expect(usage.completion_tokens).toBeGreaterThan(thinking);
  });

  test("says the same streamed, and nothing of what it threw away", async () => {
    const more = { n: 8, seed: 3, thinking: { rejectAbove: 60, maxTries: 4 } };
    const whole = await ask(more);
    const text = await (await post({ ...more, stream: true, stream_options: { include_usage: true } })).text();
    const events = text
      .split("\n\n")
      .flatMap((event) => (event.startsWith("data: {") ? [JSON.parse(event.slice(6))] : []));
    const told = whole.choices.map(() => ({ content: "", reasoning: "" }));
    for (const { choices } of events as { choices: { index: number; delta: Record<string, string> }[] }[])
      for (const { index, delta } of choices) {
        told[index]!.content += delta["content"] ?? "";
        told[index]!.reasoning += delta["reasoning_content"] ?? "";
      }
    expect(told).toEqual(
      whole.choices.map(({ message }) => ({ content: message.content, reasoning: message.reasoning_content ?? "" })),
    );
    expect((events as { usage?: object }[]).at(-1)?.usage).toEqual(whole.usage);
  });

  test("tells the log-probabilities of a kept answer", async () => {
    const { choices } = await ask({ n: 4, seed: 3, logprobs: true, thinking: { rejectAbove: 200, maxTries: 8 } });
    const kept = choices.filter(({ message }) => message.content !== "");
    expect(kept.length).toBeGreaterThan(0);
    for (const { message, logprobs } of kept)
      expect(logprobs!.content.map(({ token }) => token).join("")).toBe(message.content);
  });

  test("ends a kept answer at a stop string", async () => {
    const { choices } = await ask({ n: 8, seed: 3, stop: ["1"], thinking: { rejectAbove: 200, maxTries: 8 } });
    expect(choices.some(({ message }) => message.content !== "")).toBe(true);
    expect(choices.filter(({ message }) => message.content.includes("1"))).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["greedy", { temperature: 0, thinking: { rejectAbove: 10 } }, "temperature above 0"],
    ["with Waits", { thinking: { rejectAbove: 10, waits: 1 } }, "cannot be combined with thinking.waits"],
    [
      "with a budget",
      { thinking: { reject_above: 10, budget_tokens: 5 } },
      "cannot be combined with thinking.budget_tokens",
    ],
    ["tries of nothing", { thinking: { maxTries: 3 } }, "thinking.maxTries is for thinking.rejectAbove"],
    ["without bound", { thinking: { rejectAbove: 10, maxTries: 1000 } }, "thinking.maxTries"],
    ["nothing kept", { thinking: { rejectAbove: 0 } }, "thinking.rejectAbove"],
  ])("is refused %s", async (_what, more, message) => {
    const response = await post(more);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain(message);
  });
});
