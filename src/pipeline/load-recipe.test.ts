import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { type LoadedRecipe, loadRecipe, recipeSeenFrom } from "./load-recipe.ts";
import { nearNames } from "./near-names.ts";
import { parseOverride } from "./override-recipe.ts";
import { parseRecipeText } from "./recipe-text.ts";

const GOOD = `{
  // what a person writes
  "name": "mine",
  "student": { "base": "models/small" },
  "collect": { "sources": [{ "type": "family", "family": "arithmetic", "count": 10, "difficulty": [2, 4] }] },
  "trace": { "teacher": { "type": "builtin" } }, /* trailing commas are fine */
}`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-recipe-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Source {
  readonly sets?: readonly string[];
  readonly name?: string;
  readonly exported?: unknown;
}

/** Loads a recipe from text in a temporary folder. */
async function load(text: string, { sets = [], name = "recipe.json", exported }: Source = {}): Promise<LoadedRecipe> {
  await writeFile(join(folder, name), text);
  const ports = {
    fs: nodeFileSystem(),
    importDefault: () => Promise.resolve(exported),
    packageFolder: resolve("."),
    workingFolder: folder,
  };
  return await loadRecipe(name, sets.map(parseOverride), ports);
}

/** The AppError of a recipe that must fail. */
async function failure(text: string, source?: Source): Promise<AppError> {
  const error = await load(text, source).catch((cause: unknown) => cause);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

describe("loadRecipe", () => {
  test("reads JSON with comments, fills in defaults, and finds the base beside the recipe", async () => {
    const { recipe, baseFolder } = await load(GOOD);
    expect(recipe.train.epochs).toBe(5);
    expect(recipe.trace.teacher).toMatchObject({ type: "builtin", slipRate: 0.25 });
    expect(baseFolder).toBe(join(folder, "models", "small"));
  });

  test("names every problem at once, with path, line, column and near names", async () => {
    const text = GOOD.replace('"name"', '"nam"')
      .replace('"count": 10', '"count": 0, "cuont": 1')
      .replace('"builtin"', '"builtin", "slipRat": 2');
    const error = await failure(text);
    expect(error.code).toBe("recipe-invalid");
    expect(error.message.split("\n")).toEqual([
      "the recipe has 5 problems",
      "  recipe.json:1:1: name: missing; expected string",
      "  recipe.json:3:3: nam: unknown key (did you mean name?)",
      "  recipe.json:5:72: collect.sources.0.count: too small: expected number to be >=1, found 0",
      "  recipe.json:5:84: collect.sources.0.cuont: unknown key (did you mean count?)",
      "  recipe.json:6:46: trace.teacher.slipRat: unknown key (did you mean slipRate?)",
    ]);
    expect(error.data.problems).toHaveLength(5);
  });

  test("a wrong type names what was expected and what was found", async () => {
    expect((await failure(GOOD.replace('"mine"', "7"))).message).toContain("name: expected string, found 7");
    expect((await failure(GOOD.replace('"arithmetic"', '"arithmetics"'))).message).toContain(
      'collect.sources.0.family: not one of the 30 known names (did you mean arithmetic?), found "arithmetics"',
    );
    expect((await failure(GOOD.replace('"type": "builtin"', '"type": "oracle"'))).message).toContain(
      "trace.teacher.type: ",
    );
    expect((await failure(GOOD.replace("[2, 4]", "[4, 2]"))).message).toContain(
      "difficulty: low must not exceed high, found [4,2]",
    );
  });

  test("refuses a judge that would be bought through batches: it is asked while others wait for its verdict", async () => {
    for (const type of ["gemini", "anthropic", "openai", "openai-compatible"]) {
      const judge = { type, baseUrl: "https://host.example/v1", model: "m", batch: {} };
      const text = GOOD.replace('"trace"', `"judge": ${JSON.stringify(judge)}, "trace"`);
      expect((await failure(text)).message).toMatch(/judge\.batch: .*asked directly.*leave batch out/);
      const teacher = text.replace(',"batch":{}', "").replace('{ "type": "builtin" }', JSON.stringify(judge));
      expect((await load(teacher)).recipe.judge).toMatchObject({ type, model: "m" });
    }
  });

  test("a level that a family does not have is named, in a source and in the evaluation, as is a teacher that does not know it", async () => {
    const { message } = await failure(
      GOOD.replace('"arithmetic"', '"gcd"')
        .replace("[2, 4]", "[2, 6]")
        .replace(/\}\s*$/u, ' "evaluate": { "difficulty": [3, 9] } }'),
    );
    expect(message).toMatch(/collect\.sources\.0\.difficulty: family gcd has levels 1 to 5, found 6/);
    expect(message).toMatch(/collect\.sources\.0\.family: the built-in teacher knows arithmetic and program alone/);
    expect(message).toMatch(/evaluate\.difficulty: family gcd has levels 1 to 5, found 9/);
  });

  test.each([
    ["a comma is missing", '{ "name": "a" "seed": 1 }', "recipe.json:1:15: comma expected"],
    ["a bracket is missing", '{ "name": "a"', "close brace expected"],
    ["the file is empty", "", "recipe.json:1:1: value expected"],
    [
      "a key stands twice: editors keep the last, readers see the first",
      '{ "seed": 1, "seed": 2 }',
      "recipe.json:1:14: seed: this key stands here twice",
    ],
    ["a key that would change the prototype", '{ "__proto__": { "name": "x" } }', "not a field of a recipe"],
    [
      "brackets deep enough to exhaust a parser's stack",
      "[".repeat(100_000),
      "recipe.json:1:65: nested deeper than 64",
    ],
    ["a list where the recipe should be", "[]", "a recipe is an object, found a list"],
  ])("%s", async (_phenomenon, text, message) => {
    const error = await failure(text);
    expect(error.code).toBe("recipe-invalid");
    expect(error.message).toContain(message);
  });

  test("--set changes fields by path, in order, inside lists and variants", async () => {
    const sets = [
      "train.epochs=3",
      "collect.sources.0.count=7",
      "trace.teacher.slipRate=0.5",
      "select.method=random",
      "train.epochs=4",
      "evaluate.waits=[1,2,4]",
    ];
    const { recipe } = await load(GOOD, { sets });
    expect(recipe.train.epochs).toBe(4);
    expect(recipe.collect.sources[0]?.count).toBe(7);
    expect(recipe.trace.teacher).toMatchObject({ slipRate: 0.5 });
    expect(recipe.select.method).toBe("random");
    expect(recipe.evaluate.waits).toEqual([1, 2, 4]);
  });

  test("--set refuses what is no field and says what is near", async () => {
    expect(await failure(GOOD, { sets: ["train.epoch=3"] })).toMatchObject({
      code: "recipe-invalid",
      hint: "did you mean train.epochs?",
    });
    expect((await failure(GOOD, { sets: ["epochs=3"] })).hint).toContain("train.epochs");
    expect((await failure(GOOD, { sets: ["trace.teacher.apiKeyEnv=X"] })).message).toContain("no such field");
    expect((await failure(GOOD, { sets: ["collect.sources.3.count=1"] })).message).toContain("the list has 1 items");
    expect((await failure(GOOD, { sets: ["train.epochs"] })).code).toBe("usage");
    expect((await failure(GOOD, { sets: ["name.first=1"] })).code).toBe("recipe-invalid");
    expect((await failure(GOOD, { sets: ["train.epochs=many"] })).message).toContain(
      'train.epochs: expected number, found "many"',
    );
    expect((await failure(GOOD, { sets: ["__proto__.polluted=1"] })).code).toBe("recipe-invalid");
  });

  test("a JavaScript recipe is checked like any other", async () => {
    const exported: unknown = JSON.parse(GOOD.replace(/\/\*.*\*\/|\/\/.*|,(?=\s*(\/\*.*\*\/)?\s*}$)/gm, ""));
    expect((await load("", { name: "recipe.mjs", exported })).recipe.name).toBe("mine");
    expect((await failure("", { name: "recipe.mjs", exported: { name: "mine" } })).message).toContain(
      "recipe.mjs: trace: missing",
    );
    expect((await failure("", { name: "recipe.mjs", exported: undefined })).message).toContain("no default export");
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect((await failure("", { name: "recipe.mjs", exported: circular })).message).toContain("not plain data");
  });

  test("recipes that come with grappa go by name; an unknown name lists them", async () => {
    const ports = {
      fs: nodeFileSystem(),
      importDefault: () => Promise.resolve(undefined),
      packageFolder: resolve("."),
      workingFolder: folder,
    };
    const { recipe, baseFolder } = await loadRecipe("demo", [], ports);
    expect(recipe.name).toBe("demo");
    expect(baseFolder).toBe(resolve("models/demo-base"));
    const error = await loadRecipe("dmo", [], ports).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "file-missing", message: expect.stringContaining("did you mean demo?") });
  });

  test("the resolved recipe is itself a recipe: read from the run's folder, it means the same", async () => {
    const loaded = await load(GOOD);
    const run = join(folder, "runs", "mine-0");
    const resolved = recipeSeenFrom(run, loaded);
    expect(resolved.student.base).toBe("../../models/small");
    await mkdir(run, { recursive: true });
    await writeFile(join(run, "recipe.resolved.json"), JSON.stringify(resolved));
    const ports = {
      fs: nodeFileSystem(),
      importDefault: () => Promise.resolve(undefined),
      packageFolder: resolve("."),
      workingFolder: dirname(run),
    };
    const again = await loadRecipe("mine-0", [], ports);
    expect(again.baseFolder).toBe(loaded.baseFolder);
    expect(again.recipe).toEqual(resolved);
  });

  test("a base that comes with grappa goes by name, from anywhere; a folder of that name beside the recipe goes first", async () => {
    const text = GOOD.replace("models/small", "demo-base");
    const loaded = await load(text);
    expect(loaded.baseFolder).toBe(resolve("models/demo-base"));
    expect(recipeSeenFrom("/somewhere/else", loaded).student.base).toBe("demo-base");
    await mkdir(join(folder, "demo-base"));
    expect((await load(text)).baseFolder).toBe(join(folder, "demo-base"));
  });

  test("a file over the size cap is refused before it is parsed", async () => {
    expect((await failure(`// ${"x".repeat(1024 * 1024)}\n${GOOD}`)).code).toBe("limit-exceeded");
  });
});

describe("parseRecipeText", () => {
  test("gives the value that JSON.parse gives, for any JSON without odd keys", () => {
    const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes("__proto__"));
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value, null, 2);
        expect(parseRecipeText(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  test("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseRecipeText(text)));
  });
});

test("nearNames ranks by edits and finds a field by its last name", () => {
  expect(nearNames("lerningRate", ["learningRate", "epochs"])).toEqual(["learningRate"]);
  expect(nearNames("count", ["select.count", "evaluate.count", "seed"])).toEqual(
    ["evaluate.count", "select.count"].sort((a, b) => a.length - b.length),
  );
  expect(nearNames("zzzz", ["learningRate"])).toEqual([]);
});
