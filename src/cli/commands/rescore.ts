import { buildCommand } from "@stricli/core";
import { dataFlags, sandboxFlags } from "../evaluate-flags.ts";
import { jsonFlag, plainText } from "../flags.ts";
import { judgeFlags } from "../judge-flags.ts";

/** `grappa rescore`. */
export const rescoreCommand = buildCommand({
  loader: async () => (await import("./rescore.impl.ts")).default,
  parameters: {
    flags: { ...jsonFlag, data: dataFlags.data, ...sandboxFlags, ...judgeFlags },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "folder of an evaluation, or its name in evaluations/", parse: plainText, placeholder: "EVALUATION" },
      ],
    },
  },
  docs: {
    brief: "grade an evaluation's samples again, from its log; asks no model",
    fullDescription:
      "Grades every sample of a finished evaluation again with this grappa's grader, and says which verdicts are others now.\nNo model is asked. The log stays as it is: the new verdicts go to scores-N.jsonl, and count from then on.",
  },
});
