import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadChatTemplate } from "./chat.ts";
import { maskRuns, roleSpans } from "./example-roles.ts";
import { studentFormat } from "./student-format.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { encodeExample } from "./training-example.ts";
import { tokenTable, tokenText, xrayTally } from "./xray.ts";

function formatOf(folder: string, style: "s1" | "think") {
  const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8");
  const files = { tokenizer: JSON.parse(read("tokenizer.json")), config: JSON.parse(read("tokenizer_config.json")) };
  const tokenizer = loadTokenizer(files);
  const source: string = files.config.chat_template ?? read("chat_template.jinja");
  return studentFormat({ tokenizer, chatTemplate: loadChatTemplate(source, tokenizer) }, style);
}
const demo = formatOf("models/demo-base", "s1");
const { tokenizer } = demo;

describe("roles", () => {
  const parts = (format: typeof demo, thinking: string | null) => {
    const outcome = encodeExample(format, { question: "q?", thinking, answer: "98" }, 1024);
    if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
    const { inputIds } = outcome.example;
    return roleSpans(format, inputIds).map(({ role, from, to }) => [
      role,
      format.tokenizer.decode(inputIds.slice(from, to)),
    ]);
  };

  it("are found in s1's style, with thinking and without", () => {
    const prompt = ["prompt", "<|im_start|>user\nq?<|im_end|>\n<|im_start|>assistant\n"];
    expect(parts(demo, "1+1")).toEqual([
      prompt,
      ["delimiter", "<|im_start|>think"],
      ["thinking", "\n1+1\n"],
      ["delimiter", "<|im_start|>answer"],
      ["answer", "\nAnswer: 98"],
      ["end", "<|im_end|>\n"],
    ]);
    expect(parts(demo, null)).toEqual([
      prompt,
      ["delimiter", "<|im_start|>answer"],
      ["answer", "\nAnswer: 98"],
      ["end", "<|im_end|>\n"],
    ]);
  });

  it("are found where <think> is text", () => {
    const gemma = formatOf("fixtures/tokenizers/gemma", "think");
    const prompt = ["prompt", "<bos><start_of_turn>user\nq?<end_of_turn>\n<start_of_turn>model\n"];
    expect(parts(gemma, "1+1")).toEqual([
      prompt,
      ["delimiter", "<think>\n"],
      ["thinking", "1+1\n"],
      ["delimiter", "</think>\n\n"],
      ["answer", "Answer: 98"],
      ["end", "<end_of_turn>\n"],
    ]);
    expect(parts(gemma, null)).toEqual([
      prompt,
      ["delimiter", "<think>\n\n</think>\n\n"],
      ["answer", "Answer: 98"],
      ["end", "<end_of_turn>\n"],
    ]);
  });

  it.each([
    "",
    "<|im_start|>user\nq",
    "<|im_start|>assistant\n<|im_start|>think\nT",
    "<|im_start|>assistant\nT<|im_end|>\n",
  ])("cover a faulty example too: %j", (text) => {
    const ids = tokenizer.encodeControl(text);
    const spans = roleSpans(demo, ids);
    expect(spans.map(({ from, to }) => tokenizer.decode(ids.slice(from, to))).join("")).toBe(text);
    spans.forEach(({ from }, at) => expect(from).toBe(spans[at - 1]?.to ?? 0));
  });

  it.each([
    [[], [0]],
    [
      [-100, -100, 5, 6, -100],
      [2, 2, 1],
    ],
    [
      [5, -100],
      [0, 1, 1],
    ],
  ])("of the mask %j are the runs %j", (labels, runs) => {
    expect(maskRuns(labels)).toEqual(runs);
  });
});

describe("the figures of all rows", () => {
  const row = (length: number, faults: Parameters<ReturnType<typeof xrayTally>["add"]>[0]["faults"] = []) => ({
    traceId: `t${length}`,
    inputIds: Array.from({ length }, () => 1),
    labels: Array.from({ length }, (_, at) => (at < 10 ? -100 : 1)),
    thinkingTokens: 3,
    faults,
  });

  it("add up, with every row in a bin of round width", () => {
    const tally = xrayTally();
    for (const length of [77, 435, 200, 201, 80]) tally.add(row(length));
    tally.add(row(100, [{ reason: "too-long", detail: "100 ids" }]));
    const summary = tally.summary();
    expect(summary).toMatchObject({ rows: 6, tokens: 1093, trainedTokens: 1033, thinkingTokens: 18 });
    expect(summary).toMatchObject({ shortest: 77, median: 200, longest: 435 });
    expect(summary.lengths[0]).toEqual({ from: 50, to: 100, rows: 2 });
    expect(summary.lengths.at(-1)).toEqual({ from: 400, to: 450, rows: 1 });
    expect(summary.lengths.reduce((sum, { rows }) => sum + rows, 0)).toBe(6);
    expect(summary.gates).toMatchObject([{ gate: "too-long", rows: 1, traceIds: ["t100"] }]);
  });

  it("are zero where there are none", () => {
    expect(xrayTally().summary()).toMatchObject({ rows: 0, tokens: 0, median: 0, lengths: [], gates: [] });
  });
});

describe("one token", () => {
  it("is shown with its mask, and what could drive a terminal is escaped", () => {
    const sequence = { inputIds: tokenizer.encodeControl("<|im_start|>a \u001b\\"), labels: [-100, 64, 220, 188, 59] };
    expect(tokenTable(tokenizer, sequence)).toEqual([
      "     0    296 . <|im_start|>",
      "     1     64 + a",
      "     2    220 + \u2423",
      "     3    215 + \\x1b",
      "     4     59 + \\\\",
    ]);
  });

  it("that is part of a character is shown as its bytes", () => {
    expect(tokenizer.encodeUser("\u20aca").map((id) => tokenText(tokenizer, id))).toEqual([
      "<e2>",
      "<82>",
      "<ac>",
      "a",
    ]);
  });
});
