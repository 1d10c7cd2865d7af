import { buildCommand } from "@stricli/core";
import { WEIGHT_TYPES } from "../../student/export/weight-types.ts";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa push`. */
export const pushCommand = buildCommand({
  loader: async () => (await import("./push.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      repo: {
        kind: "parsed",
        parse: plainText,
        brief: "send the data set, to this one on the hub",
        optional: true,
        placeholder: "OWNER/NAME",
      },
      model: {
        kind: "parsed",
        parse: plainText,
        brief: "send the student, to this model on the hub",
        optional: true,
        placeholder: "OWNER/NAME",
      },
      gguf: {
        kind: "boolean",
        brief: "with --model: a GGUF and a Modelfile beside the weights",
        default: false,
        withNegated: false,
      },
      type: { kind: "enum", values: WEIGHT_TYPES, brief: "type of the GGUF (default: q8_0)", optional: true },
      public: {
        kind: "boolean",
        brief: "let everybody see it, where it is made now (default: private)",
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
    brief: "send a run's data set or student to the Hugging Face Hub; shows what it would send until --yes",
    fullDescription:
      "Exports what a run selected (--repo, into its folder dataset/) or its student (--model, into model/) and, with --yes, sends\nit to the Hugging Face Hub, private unless --public. What is there by its hash is not sent again, so the same command goes on\nafter a kill. HF_TOKEN is the token; HF_ENDPOINT names another hub.",
  },
});
