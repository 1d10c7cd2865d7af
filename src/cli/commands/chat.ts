import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText, threadsFlag, wholeNumber } from "../flags.ts";

/** `grappa chat`. */
export const chatCommand = buildCommand({
  loader: async () => (await import("./chat.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      ...threadsFlag,
      prompt: { kind: "parsed", parse: plainText, brief: "answer this and end", optional: true, placeholder: "TEXT" },
      budget: {
        kind: "parsed",
        parse: wholeNumber(0, 1 << 20),
        brief: "most thinking tokens (default: until it ends by itself)",
        optional: true,
        placeholder: "N",
      },
      wait: {
        kind: "parsed",
        parse: wholeNumber(0, 16),
        brief: 'times that an end of thinking is replaced by "Wait"',
        default: "0",
        placeholder: "N",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "talk to a run's student: /budget 64, /wait 1, /help, /quit",
    fullDescription:
      "Talks to the student that a run trained; the run need not be finished. Each prompt stands alone.\nWhile talking: /budget 64, /wait 1, /help, /quit. With --prompt it answers once and ends; --json needs that.",
  },
});
