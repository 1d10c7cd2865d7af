import { buildCommand } from "@stricli/core";
import { ggufFlags, jsonFlag, plainText, threadsFlag, wholeNumber } from "../flags.ts";

/** `grappa chat`. */
export const chatCommand = buildCommand({
  loader: async () => (await import("./chat.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      ...threadsFlag,
      ...ggufFlags,
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
      parameters: [{ brief: "a run, a model's folder, a GGUF, or demo-base", parse: plainText, placeholder: "MODEL" }],
    },
  },
  docs: {
    brief: "talk to a student: /budget 64, /wait 1, /help, /quit",
    fullDescription:
      "Talks to a student: a run's (which need not be finished) or a model's folder. Each prompt stands alone. A terminal shows\nthinking dimmed as it comes, and underlined what the budget wrote of it.\nWhile talking: /budget 64, /wait 1, /help, /quit. With --prompt it answers once and ends; --json needs that.",
  },
});
