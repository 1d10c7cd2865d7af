import { basename, resolve } from "node:path";
import { joinPath, toSlashes } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import { jsonSchemaOf } from "../../schema/json-schema.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { recipeTemplate, readmeTemplate } from "../init-templates.ts";
import { shellQuote } from "../shell-quote.ts";

/** Writes a recipe to start from. */
export default presenting<CommonFlags, [string]>(async ({ fs, recipes }, _flags, target) => {
  const folder = resolve(recipes.workingFolder, target);
  const name = recipeName(basename(folder));
  const files = {
    "recipe.json": recipeTemplate(name),
    "recipe.schema.json": `${JSON.stringify(jsonSchemaOf("recipe"), null, 2)}\n`,
    "README.md": readmeTemplate(name),
  };
  for (const file of Object.keys(files)) {
    const path = joinPath(folder, file);
    if ((await fs.kind(path)) === "none") continue;
    throw new AppError("file-denied", `${path}: there is one already`, {
      hint: "choose another folder; init overwrites nothing",
      data: { path },
    });
  }
  const written: string[] = [];
  for (const [file, text] of Object.entries(files)) {
    const path = joinPath(folder, file);
    if (!(await fs.createExclusive(path, text)))
      throw new AppError("file-denied", `${path}: somebody else just made one`);
    written.push(path);
  }
  const command = `grappa run ${shellQuote(toSlashes(joinPath(target, "recipe.json")))}`;
  return {
    json: { files: written, next: command },
    text: [...written.map((path) => `wrote ${path}`), `run it: ${command}`].join("\n"),
  };
});

/** A folder's name as a recipe's: lower-case letters, digits and dashes. */
function recipeName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
  return name === "" ? "my-recipe" : name;
}
