import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText, wholeNumber } from "../flags.ts";

/** `grappa ui`. */
export const uiCommand = buildCommand({
  loader: async () => (await import("./ui.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      port: {
        kind: "parsed",
        parse: wholeNumber(0, 65_535),
        brief: "port on 127.0.0.1; 0 takes any free one",
        default: "4747",
        placeholder: "N",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "folder of runs, or of one run",
          parse: plainText,
          placeholder: "RUNS_DIR",
          default: "runs",
        },
      ],
    },
  },
  docs: {
    brief: "a local page of your runs: stages, training, money",
    fullDescription:
      "Serves a page of the runs in a folder on 127.0.0.1, and prints its address. The address holds a token: whoever\nhas it can read the runs, pause them and go on with them. The page asks nobody else and works offline. Ctrl-C ends it,\nand no run.",
  },
});
