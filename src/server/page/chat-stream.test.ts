import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChatReply } from "../../pipeline/services.ts";
import { CHAT_REPLY } from "../../../test/ui/chat-reply.ts";
import { streamReply } from "./chat-stream.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A reply that is under way until the test ends it. */
function streamed() {
  let answer = (): void => undefined;
  const reply = new Promise<ChatReply>((resolve) => (answer = () => resolve(CHAT_REPLY)));
  const onEnd = vi.fn<() => void>();
  const body = streamReply({
    chats: { reply: () => reply },
    run: "a-run",
    question: { prompt: "x", budgetTokens: null, waits: 0, page: "one" },
    signal: new AbortController().signal,
    faultOf: () => ({ code: "bug", message: "", hint: null }),
    onEnd,
  });
  return { body, onEnd, answer };
}

test("a reply that waits says so every fifteen seconds: silence would end its connection", async () => {
  const { body, answer } = streamed();
  const text = new Response(body).text();
  await vi.advanceTimersByTimeAsync(46_000);
  answer();
  expect(await text).toMatch(/^(:\n\n){3}event: end\ndata: \{[^\n]*\}\n\n$/);
  expect(vi.getTimerCount()).toBe(0);
});

test("says nothing more to a reader that left", async () => {
  const { body, onEnd, answer } = streamed();
  await body.cancel();
  await vi.advanceTimersByTimeAsync(46_000);
  answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(onEnd).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});
