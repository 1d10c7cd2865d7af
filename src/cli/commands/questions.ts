import { buildCommand, buildRouteMap } from "@stricli/core";
import { jsonFlag, MAX_SEED, plainText, wholeNumber } from "../flags.ts";

const listCommand = buildCommand({
  loader: async () => (await import("./questions-list.impl.ts")).default,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "the families, with domain, levels of difficulty and what each asks",
    fullDescription:
      "Lists the programmatic question families: name, domain, levels of difficulty, how answers are checked, what is asked.\nA recipe takes them as sources of type family; docs/questions.md says more.",
  },
});

const number = (brief: string, [low, high, standard]: readonly [number, number, string]) =>
  ({ kind: "parsed", parse: wholeNumber(low, high), brief, default: standard, placeholder: "N" }) as const;

const sampleCommand = buildCommand({
  loader: async () => (await import("./questions-sample.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      count: number("how many", [1, 100_000, "3"]),
      difficulty: number("level of difficulty; `grappa questions list` tells the levels", [1, 99, "3"]),
      seed: number("seed of the sequence", [0, MAX_SEED, "0"]),
      start: number("place in the sequence of the first one", [0, MAX_SEED, "0"]),
      answers: { kind: "boolean", brief: "show the answers too", default: false, withNegated: false },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "a family's name", parse: plainText, placeholder: "FAMILY" }],
    },
  },
  docs: {
    brief: "questions of a family",
    fullDescription:
      "Prints questions of a family: items START, START + 1, ... of the sequence that seed and difficulty name. Item i is the same\nwhatever was asked before. With --json and --answers each is a whole record, as the collect stage writes it.",
  },
});

/** `grappa questions`. */
export const questionsCommand = buildRouteMap({
  routes: { list: listCommand, sample: sampleCommand },
  docs: {
    brief: "the programmatic question families, and samples of them",
    fullDescription:
      "Programmatic question families: any number of questions from a seed, each with an exact check of its answer.",
  },
});
