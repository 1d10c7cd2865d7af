import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa init`. */
export const initCommand = buildCommand({
  loader: async () => (await import("./init.impl.ts")).default,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder to write into", parse: plainText, placeholder: "FOLDER", default: "." }],
    },
  },
  docs: {
    brief: "write a commented recipe.json and a README to start from; overwrites nothing",
    fullDescription:
      "Writes recipe.json (every choice explained), recipe.schema.json (for editors) and README.md into a folder.\nOther files there are left alone, a README.md too; where there is a recipe already it stops, and writes nothing.\nThen: grappa run FOLDER/recipe.json",
  },
});
