import { expect, test } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { trainingProblems } from "./check-training.ts";

const HOSTED = { base: "Qwen/Qwen3-8B", hosted: { type: "together" } };
const OWN = { base: "demo-base" };

test.each([
  [OWN, {}, []],
  [OWN, { launcher: { type: "torchrun" }, method: "lora", packing: true }, []],
  [{ base: "hf:Qwen/Qwen2.5-7B@main" }, { launcher: { type: "ray", storage: "/s" }, method: "qlora" }, []],
  [HOSTED, {}, []],
  [HOSTED, { launcher: { type: "torchrun" } }, ["train.launcher"]],
  [{ ...HOSTED, base: "hf:Qwen/Qwen3-8B@main" }, {}, ["student.base"]],
  [OWN, { method: "qlora" }, ["train.method"]],
  [OWN, { packing: true, lora: { dropout: 0.1 } }, ["train.packing", "train.lora.dropout"]],
  [OWN, { launcher: { type: "torchrun", device: "cpu" }, method: "qlora" }, ["train.method"]],
  [OWN, { launcher: { type: "slurm", folder: "/f", gpusPerNode: 0 }, packing: true }, ["train.packing"]],
])("%o with %o: %o", (student, train, places) => {
  const recipe = { student: Recipe.shape.student.parse(student), train: Recipe.shape.train.parse(train) };
  expect(trainingProblems(recipe).map(({ keys }) => keys.join("."))).toEqual(places);
});
