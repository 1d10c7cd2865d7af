import { basename, resolve } from "node:path";
import { joinPath, toSlashes } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import { jsonSchemaOf } from "../../schema/json-schema.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { recipeTemplate, readmeTemplate } from "../init-templates.ts";
import { shellQuote } from "../shell-quote.ts";

/** Writes a recipe to start from; a README that is there is the user's and stays. */
export default presenting<CommonFlags, [string]>(async ({ fs, recipes }, _flags, target) => {
  const folder = resolve(recipes.workingFolder, target);
  const name = recipeName(basename(folder));
  const files = {
    "recipe.json": recipeTemplate(name),
    "recipe.schema.json": `${JSON.stringify(jsonSchemaOf("recipe"), null, 2)}\n`,
    "README.md": readmeTemplate(name),
  };
  if ((await fs.kind(folder)) === "file") throw inTheWay(folder, "a file, not a folder");
  for (const file of ["recipe.json", "recipe.schema.json"]) {
    const path = joinPath(folder, file);
    if ((await fs.kind(path)) !== "none") throw inTheWay(path, "there is one already");
  }
  const written: string[] = [];
  const kept: string[] = [];
  for (const [file, text] of Object.entries(files)) {
    const path = joinPath(folder, file);
    if (await fs.createExclusive(path, text)) written.push(path);
    else if (file === "README.md") kept.push(path);
    else throw inTheWay(path, "somebody else just made one");
  }
  const command = `grappa run ${shellQuote(toSlashes(joinPath(target, "recipe.json")))}`;
  const lines = [...written.map((path) => `wrote ${path}`), ...kept.map((path) => `kept ${path}, which was there`)];
  return { json: { files: written, kept, next: command }, text: [...lines, `run it: ${command}`].join("\n") };
});

function inTheWay(path: string, what: string): AppError {
  return new AppError("file-denied", `${path}: ${what}`, {
    hint: "choose another folder; init overwrites nothing",
    data: { path },
  });
}

/** A folder's name as a recipe's: lower-case letters, digits and dashes. */
function recipeName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
  return name === "" ? "my-recipe" : name;
}
