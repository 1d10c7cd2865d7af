import { expect, test } from "vitest";
import { streamPieces } from "./reply-text.ts";

test("a streamed reply: thinking dimmed, the budget's words underlined, nothing steers the terminal, the answer plain", () => {
  let written = "";
  const show = streamPieces((text) => (written += text));
  show({ part: "thinking", text: "a+1\u001b[2J", isForced: false });
  show({ part: "thinking", text: "Wait", isForced: true });
  show({ part: "answer", text: "Ans", isForced: false });
  show({ part: "answer", text: "wer", isForced: false });
  expect(written).toBe("\u001b[2ma+1<1b>[2J\u001b[0m\u001b[2;4mWait\u001b[0m\nAnswer");
});
