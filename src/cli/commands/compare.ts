import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa compare`. */
export const compareCommand = buildCommand({
  loader: async () => (await import("./compare.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      setting: {
        kind: "parsed",
        parse: plainText,
        brief: "compare under this alone: natural, direct, budget=N, wait=N or reject=N",
        optional: true,
        placeholder: "SETTING",
      },
      force: {
        kind: "boolean",
        brief: "compare although task, data or grader have other versions",
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "an evaluation or a run, by folder or name", parse: plainText, placeholder: "A" },
        { brief: "another, compared with A question by question", parse: plainText, placeholder: "B" },
      ],
    },
  },
  docs: {
    brief: "compare two evaluations, or two runs, question by question: is the difference real?",
    fullDescription:
      "Compares B with A on the questions that both answered: difference, interval, exact or permutation test, Holm over\nsettings, the difference that these data could have shown, and in one sentence what may be said.",
  },
});
