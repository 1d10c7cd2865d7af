import { AppError } from "../../core/errors.ts";
import { didYouMean } from "../../pipeline/near-names.ts";
import { jsonSchemaOf, schemaNames } from "../../schema/json-schema.ts";
import { type CommonFlags, presenting } from "../command-result.ts";

/** Prints one JSON Schema, or the names of all. */
export default presenting<CommonFlags, [string | undefined]>(async (_context, _flags, name) => {
  const names = schemaNames();
  if (name === undefined) return { json: { schemas: names }, text: names.join("\n") };
  const schema = jsonSchemaOf(name);
  if (!schema)
    throw new AppError("usage", `no schema is called ${name}${didYouMean(name, names)}`, {
      hint: `one of: ${names.join(", ")}`,
    });
  return { json: schema, text: JSON.stringify(schema, null, 2) };
});
