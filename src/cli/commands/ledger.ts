import { buildCommand } from "@stricli/core";
import { parseUsd } from "../../ledger/money.ts";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa ledger`. */
export const ledgerCommand = buildCommand({
  loader: async () => (await import("./ledger.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      reconcile: {
        kind: "boolean",
        brief: "end the requests that no reply came for: nothing was billed for them, or --billed",
        default: false,
        withNegated: false,
      },
      billed: {
        kind: "parsed",
        parse: (input: string) => parseUsd(input),
        brief: "with --reconcile: what the provider's bill says they came to, together",
        optional: true,
        placeholder: "USD",
      },
      job: {
        kind: "parsed",
        parse: plainText,
        brief: "with --reconcile: the fine-tune or job of this name has ended, end it alone",
        optional: true,
        placeholder: "NAME",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "folder of a run, an evaluation or traces, or a run's name in runs/",
          parse: plainText,
          placeholder: "RUN",
        },
      ],
    },
  },
  docs: {
    brief: "where a run's money went, by stage, model and outcome; and what a right trace cost",
    fullDescription:
      "Adds up every request of a run by stage, model and outcome: measured, estimated, possibly paid, free. Works while the run\nis going on.\nA request whose reply never came (a crash, a broken line) counts at its worst case until --reconcile ends it: look at the\nprovider's bill first. Batches and fine-tunes that may go on at the provider are left to the next run.",
  },
});
