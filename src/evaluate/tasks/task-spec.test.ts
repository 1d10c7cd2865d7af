import { expect, it } from "vitest";
import { parseTaskSpec } from "./task-spec.ts";

it.each([
  ["aime24", "aime24", 1],
  ["aime24:8", "aime24", 8],
  ["./my task.json:64", "./my task.json", 64],
  ["C:\\tasks\\mine.json", "C:\\tasks\\mine.json", 1],
  ["a:b:2", "a:b", 2],
])("%s", (text, name, samples) => {
  expect(parseTaskSpec(text)).toEqual({ name, samples });
});

it.each(["", " ", ":8", "aime24:0", "aime24:10001", "aime24:99999999999999999999"])("refuses %j", (text) => {
  expect(() => parseTaskSpec(text)).toThrow(expect.objectContaining({ code: "usage" }));
});
