import { expect, test } from "vitest";
import { splitThinking } from "./split-thinking.ts";

test.each([
  ["with its special tokens", "<|im_start|>think\n1+1\n<|im_start|>answer\nAnswer: 2<|im_end|>\n", "1+1", "Answer: 2"],
  ["without them", "think\n1+1\n\nanswer\nAnswer: 2", "1+1", "Answer: 2"],
  ["answered at once", "<|im_start|>answer\n2<|im_end|>", "", "2"],
  ["answered at once, nothing thought", "think\nanswer\n2", "", "2"],
  ["cut while thinking", "<|im_start|>think\n1+", "1+", ""],
  ["cut while thinking, without special tokens", "think\nthe answer\nis", "the answer\nis", ""],
  ["with the word inside a line", "think\nmy answer\nanswer\n3\nanswer\n4", "my answer", "3\nanswer\n4"],
])("a text %s", (_what, text, thinking, answer) => {
  expect(splitThinking(text)).toEqual({ thinking, answer });
});

test.each(["The answer\nanswer\nis 4.", "<think>1</think>2", ""])("another format is told apart: %s", (text) => {
  expect(splitThinking(text)).toBeNull();
});
