/** @file What a card says; a whole run's card is tested in test/push-model.test.ts. */
import { expect, test } from "vitest";
import { type ModelCard, modelCard } from "./model-card.ts";

const card: ModelCard = {
  title: "s1",
  grappa: "0.1.0",
  base: { name: "Qwen/Qwen2.5-7B-Instruct", hubId: "Qwen/Qwen2.5-7B-Instruct", licence: "apache-2.0" },
  run: null,
  style: "think",
  contextTokens: 32_768,
  weights: "bf16",
  isMerged: true,
  hasSafetensors: true,
  gguf: ["s1-q8_0.gguf"],
  repo: "acme/s1",
};

test("the hub's header: base, licence, tags", () => {
  const [, header] = modelCard(card).split("---\n");
  expect(header).toBe(
    [
      "library_name: transformers",
      "pipeline_tag: text-generation",
      'base_model: "Qwen/Qwen2.5-7B-Instruct"',
      "base_model_relation: finetune",
      'license: "apache-2.0"',
      "tags:",
      "- grappa",
      "- reasoning",
      "- distillation",
      "- test-time-scaling",
      "- lora-merged",
      "- gguf",
      "",
    ].join("\n"),
  );
});

test("what is not known is said to be unknown", () => {
  const text = modelCard({ ...card, base: { name: "base", hubId: null, licence: null } });
  expect(text).toContain("license: other\n");
  expect(text).not.toContain("base_model:");
  expect(text).toContain("its licence was not found; find it before you publish");
  expect(text).toContain("what it was trained on, and what it scores, is not said here");
});

test("snippets load what is there, and no others are shown", () => {
  const both = modelCard(card);
  expect(both).toContain('from_pretrained("acme/s1")');
  expect(both).toContain("llama-cli -m s1-q8_0.gguf");
  const gguf = modelCard({ ...card, hasSafetensors: false });
  expect(gguf).toContain("library_name: gguf\n");
  expect(gguf).not.toContain("from_pretrained");
  expect(modelCard({ ...card, gguf: [], repo: null })).toContain('from_pretrained(".")');
});

test("names from outside are text: no markup, no line of the header", () => {
  const hostile = "x\nlicense: mit\n# Title <img src=x> [a](javascript:b) | `";
  const text = modelCard({ ...card, title: hostile, base: { name: hostile, hubId: hostile, licence: hostile } });
  expect(text.match(/^license: /gm)).toHaveLength(1);
  const body = text.replace(/^---\n[^]*?\n---\n/, "");
  expect(body).toContain("\\<img");
  expect(body).not.toMatch(/(?<!\\)<img|(?<!\\)\[a/);
  expect(text.match(/^# /gm)).toHaveLength(1);
});
