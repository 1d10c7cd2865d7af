import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedFiles } from "../src/schema/generated-files.ts";
import { recipeFields } from "../src/schema/recipe-fields.ts";
import { Recipe } from "../src/schema/recipe.ts";

test("what is generated from the schemas is not stale (npm run generate)", () => {
  const files = generatedFiles();
  for (const [path, text] of files) expect(readFileSync(path, "utf8") === text, path).toBe(true);
  expect(readdirSync("schemas").map((name) => `schemas/${name}`)).toEqual(
    [...files.keys()].filter((path) => path.startsWith("schemas/")).sort(),
  );
});

test("every field of a recipe says what it is", () => {
  const silent = recipeFields().filter(({ node }) => (node.description ?? "").length < 5);
  expect(silent.map(({ path }) => path)).toEqual([]);
});

test("the schema of a recipe accepts defaults left out, and names its required fields", () => {
  const required = recipeFields()
    .filter(({ isRequired, path }) => isRequired && !path.includes("."))
    .map(({ path }) => path);
  expect(required).toEqual(["name"]);
  expect(Recipe.safeParse({ name: "x" }).error?.issues.map(({ path }) => path.join("."))).toEqual([
    "student",
    "collect",
    "trace",
  ]);
});
