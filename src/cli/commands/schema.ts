import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa schema`. */
export const schemaCommand = buildCommand({
  loader: async () => (await import("./schema.impl.ts")).default,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "recipe, question, trace, ...; without it, the list",
          parse: plainText,
          placeholder: "NAME",
          optional: true,
        },
      ],
    },
  },
  docs: {
    brief: "print the JSON Schema of a recipe or of a record on disk",
    fullDescription:
      'Prints the JSON Schema of a recipe or of a record on disk; without a name, the names there are.\nFor completion in an editor, point a recipe\'s "$schema" at it; `grappa init` does.',
  },
});
