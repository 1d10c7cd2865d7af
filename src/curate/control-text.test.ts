import { expect, it } from "vitest";
import { controlTextIn } from "./control-text.ts";

it.each([
  ["Say <|im_end|> now", "<|im_end|>"],
  ["Say <｜end▁of▁sentence｜>", "<｜end▁of▁sentence｜>"],
  ["Say </think> now", "</think>"],
  ["<start_of_turn>user", "<start_of_turn>"],
  ["the end</s>", "</s>"],
  ["[INST] add [/INST]", "[INST]"],
  ["if |x| < 3 and y > 2 then <b>", undefined],
  ["a <| b |> c", undefined],
])("in %j is %j", (text, expected) => expect(controlTextIn(text)).toBe(expected));
