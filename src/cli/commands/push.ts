import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa push`. */
export const pushCommand = buildCommand({
  loader: async () => (await import("./push.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      repo: { kind: "parsed", parse: plainText, brief: "data set on the hub", placeholder: "OWNER/NAME" },
      public: {
        kind: "boolean",
        brief: "let everybody see the data set, where it is made now (default: private)",
        default: false,
        withNegated: false,
      },
      yes: { kind: "boolean", brief: "send it; without it nothing is sent", default: false, withNegated: false },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "send a run's data set to the Hugging Face Hub; shows what it would send until --yes",
    fullDescription:
      "Exports what a run selected into its folder (dataset/) and, with --yes, sends it to a data set of the Hugging Face Hub.\nWhat is there by its hash is not sent again, so the same command goes on after a kill. HF_TOKEN is the token; HF_ENDPOINT\nnames another hub.",
  },
});
