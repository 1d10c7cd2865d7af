import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa xray`. */
export const xrayCommand = buildCommand({
  loader: async () => (await import("./xray.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      tokens: {
        kind: "boolean",
        brief: "with an ID: one line a token, with place, id and mask",
        default: false,
        withNegated: false,
      },
      html: {
        kind: "parsed",
        parse: plainText,
        brief: "write all rows as a page with search, in one file that needs no network",
        optional: true,
        placeholder: "FILE",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" },
        {
          brief: "id of a question or trace, or its first four characters or more; without it all rows in figures",
          parse: plainText,
          placeholder: "ID",
          optional: true,
        },
      ],
    },
  },
  docs: {
    brief: "what a run's student is trained on, token by token, with the loss mask and the gates",
    fullDescription:
      "Holds every example of a run against its text, its mask and what the decoder sends, as the files lie on the disk now, and shows\nit: all rows in figures, or one row token by token. Ends with status 4 where a row fails a gate (docs/xray.md).",
  },
});
