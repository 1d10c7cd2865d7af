import { expect, test } from "vitest";
import { addLora, loraScale, pairFactors, readLoraConfig } from "./lora.ts";

const CONFIG = { peft_type: "LORA", r: 2, lora_alpha: 8, target_modules: ["q_proj"], bias: "none" };
const [A, B] = ["base_model.model.m.q_proj.lora_A.weight", "base_model.model.m.q_proj.lora_B.weight"];
const BASE = new Map([["m.q_proj.weight", [3, 4]]]);

test("W + scale * B A", () => {
  const weight = Float32Array.of(1, 1, 1, 2, 2, 2);
  addLora(weight, { a: Float32Array.of(1, 2, 3, 0, 1, 0), b: Float32Array.of(1, 10, 0, -1), rank: 2, scale: 0.5 });
  expect([...weight]).toEqual([1.5, 7, 2.5, 2, 1.5, 2]);
});

test("the scale divides by the rank, or by its root", () => {
  expect(loraScale(readLoraConfig(CONFIG), 4)).toBe(2);
  expect(loraScale(readLoraConfig({ ...CONFIG, use_rslora: true }), 4)).toBe(4);
});

test.each([
  [{ use_dora: true }, "DoRA is not merged"],
  [{ modules_to_save: ["lm_head"] }, "modules_to_save are not merged"],
  [{ fan_in_fan_out: true }, "fan_in_fan_out is not merged"],
  [{ bias: "all" }, "a bias that was trained"],
  [{ alpha_pattern: { q_proj: 3 } }, "alpha_pattern is not merged"],
  [{ peft_type: "IA3" }, "only LoRA is merged"],
])("refuses %j", (change, message) => {
  expect(() => readLoraConfig({ ...CONFIG, ...change })).toThrow(message);
});

test("pairs factors with the weights that they change", () => {
  expect(
    pairFactors(
      new Map([
        [A, [2, 4]],
        [B, [3, 2]],
      ]),
      BASE,
    ),
  ).toEqual(new Map([["m.q_proj.weight", { a: A, b: B }]]));
});

test.each<[string, [string, number[]][], string]>([
  [
    "of another base",
    [
      [A, [2, 5]],
      [B, [3, 2]],
    ],
    "does not fit the base's 3x4",
  ],
  ["without its half", [[A, [2, 4]]], "does not fit"],
  [
    "with a half alone",
    [
      [A, [2, 4]],
      [B, [3, 2]],
      [B.replace("q_proj", "k_proj"), [3, 2]],
    ],
    "without their other half",
  ],
  ["with something else", [["base_model.model.lm_head.weight", [1]]], "is no factor of a linear layer"],
])("refuses an adapter %s", (_, tensors, message) => {
  expect(() => pairFactors(new Map(tensors), BASE)).toThrow(message);
});
