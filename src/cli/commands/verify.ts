import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa verify`. */
export const verifyCommand = buildCommand({
  loader: async () => (await import("./verify.impl.ts")).default,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "check a run's files by their hashes, and make its selection again, byte for byte; offline",
    fullDescription:
      "Checks every finished stage of a run: its files by their hashes, its manifest by what it was made from; then makes the\nselection again from its inputs and compares it byte for byte. Needs the run's folder alone, and changes nothing.\nExit status 4 and the file's name where anything differs.",
  },
});
