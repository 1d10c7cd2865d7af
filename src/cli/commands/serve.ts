import { buildCommand } from "@stricli/core";
import { ggufFlags, jsonFlag, plainText, threadsFlag, wholeNumber } from "../flags.ts";
import { parseEffort } from "../serve-flags.ts";

const MOST = 1 << 24;
const whole = (low: number, high: number, brief: string) =>
  ({ kind: "parsed", parse: wholeNumber(low, high), brief, optional: true, placeholder: "N" }) as const;

/** `grappa serve`. */
export const serveCommand = buildCommand({
  loader: async () => (await import("./serve.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      ...threadsFlag,
      ...ggufFlags,
      host: {
        kind: "parsed",
        parse: plainText,
        brief: "address to listen on; another than loopback needs --keys-env",
        default: "127.0.0.1",
        placeholder: "HOST",
      },
      port: {
        kind: "parsed",
        parse: wholeNumber(0, 65_535),
        brief: "port; 0 takes any free one",
        default: "8000",
        placeholder: "N",
      },
      keysEnv: {
        kind: "parsed",
        parse: plainText,
        brief: "name of the environment variable that holds the bearer keys, separated by commas",
        optional: true,
        placeholder: "NAME",
      },
      upstream: {
        kind: "parsed",
        parse: plainText,
        brief: "address of a vLLM, SGLang or other server of /v1/completions that decodes; MODEL is its name there",
        optional: true,
        placeholder: "URL",
      },
      tokenizer: {
        kind: "parsed",
        parse: plainText,
        brief:
          "with --upstream, or for a GGUF: folder with the model's tokenizer and chat template, or hf:OWNER/NAME@REVISION",
        optional: true,
        placeholder: "FOLDER",
      },
      upstreamKeyEnv: {
        kind: "parsed",
        parse: plainText,
        brief: "with --upstream: name of the environment variable that holds its key",
        optional: true,
        placeholder: "NAME",
      },
      context: whole(
        64,
        MOST,
        "with --upstream, or for a GGUF: tokens of its context (default: what /v1/models or the model says)",
      ),
      neutralise: {
        kind: "boolean",
        brief:
          "with --upstream: break control tokens that users spell, where it reads text alone (default: refuse with 400)",
        default: false,
        withNegated: false,
      },
      name: {
        kind: "parsed",
        parse: plainText,
        brief: "name that clients ask for",
        optional: true,
        placeholder: "NAME",
      },
      slots: whole(1, 4096, "replies decoded together (default: 8; 256 with --upstream)"),
      budget: whole(0, MOST, "most thinking tokens where a request does not say (default: until it ends by itself)"),
      wait: {
        kind: "parsed",
        parse: wholeNumber(0, 64),
        brief: "times that an end of thinking is replaced, where a request does not say",
        default: "0",
        placeholder: "N",
      },
      waitText: {
        kind: "parsed",
        parse: plainText,
        brief: "what it is replaced by",
        default: "Wait",
        placeholder: "TEXT",
      },
      answerTokens: whole(1, MOST, "most tokens of an answer where a request does not say"),
      effort: {
        kind: "parsed",
        parse: parseEffort,
        brief: "thinking tokens of a reasoning_effort (minimal, low, medium, high); may be repeated",
        optional: true,
        variadic: true,
        placeholder: "NAME=N",
      },
      maxWaiting: whole(0, 100_000, "replies that may wait for a slot; more are refused with 429 (default: 256)"),
      maxSeconds: whole(1, 86_400, "a reply that takes longer is given up (default: 600)"),
    },
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "a run, a model's folder, a GGUF, or demo-base; with --upstream its name there",
          parse: plainText,
          placeholder: "MODEL",
        },
      ],
    },
  },
  docs: {
    brief: "serve a student as an OpenAI-compatible API, thinking under a budget",
    fullDescription:
      "Serves a student on /v1/chat/completions, /v1/completions and /v1/models, with /health and /metrics.\nWith --upstream another server decodes it and this one keeps the budget in front.\nA request may say thinking: {budgetTokens, minTokens, waits, waitText, answerReserve}, or reasoning_effort. Ctrl-C lets\nwhat is under way finish.",
  },
});
