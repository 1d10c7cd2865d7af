import { buildCommand } from "@stricli/core";
import { parseUsd } from "../../ledger/money.ts";
import { jsonFlag, plainText, spendFlags, wholeNumber } from "../flags.ts";

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: plainText, brief, optional: true, placeholder }) as const;

const { acceptTerms, retryFailed } = spendFlags;

/** `grappa trace`. */
export const traceCommand = buildCommand({
  loader: async () => (await import("./trace.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      teacher: text("where the teacher is reached, up to and including /v1", "URL"),
      type: {
        kind: "enum",
        values: ["openai-compatible", "gemini", "anthropic"],
        brief: "which API it speaks; the last two know their address",
        default: "openai-compatible",
      },
      model: { kind: "parsed", parse: plainText, brief: "the model's name there", placeholder: "NAME" },
      questions: {
        kind: "parsed",
        parse: plainText,
        brief: "file of questions: .jsonl, .json, .csv or .parquet",
        placeholder: "FILE",
      },
      questionField: {
        kind: "parsed",
        parse: plainText,
        brief: "field that holds the question",
        default: "question",
        placeholder: "NAME",
      },
      out: text("folder of the journal, the traces and the failures (default: traces/MODEL)", "DIR"),
      samples: {
        kind: "parsed",
        parse: wholeNumber(1, 1000),
        brief: "traces of each question",
        default: "1",
        placeholder: "N",
      },
      system: text("system prompt; without it the question stands alone", "TEXT"),
      keyEnv: text("environment variable that holds the key", "NAME"),
      maxUsd: {
        kind: "parsed",
        parse: parseUsd,
        brief: "never spend more than this; 0 unless told, which a free teacher needs no more than",
        optional: true,
        placeholder: "USD",
      },
      price: text(
        "dollars for a million tokens, in and out, where grappa does not know the model: 0.6/2; yours: 0/0",
        "IN/OUT",
      ),
      concurrency: {
        kind: "parsed",
        parse: wholeNumber(1, 4096),
        brief: "requests in flight at most",
        default: "32",
        placeholder: "N",
      },
      maxTokens: {
        kind: "parsed",
        parse: wholeNumber(1, 10_000_000),
        brief: "cap on thinking and answer together, tokens",
        default: "32768",
        placeholder: "N",
      },
      salvage: {
        kind: "enum",
        values: ["drop", "continue", "force-answer"],
        brief: "what becomes of a reply that the cap cut; it is never bought again",
        default: "drop",
      },
      allowSummaries: {
        kind: "boolean",
        brief: "take thinking that is a summary or prompted; each row says what it is",
        default: false,
        withNegated: false,
      },
      acceptTerms,
      retryFailed,
    },
  },
  docs: {
    brief: "ask a teacher the questions of a file, with its reasoning; no recipe needed",
    fullDescription:
      "Asks any OpenAI-compatible server (or Gemini, or Anthropic) each question of a file and keeps what it thinks and answers in\ntraces.jsonl, and what failed in failed.jsonl. The same command goes on after a stop of any kind; a reply is never bought twice,\nwhatever changes in the order of the file, the URL or the key. It never spends more than --max-usd.",
  },
});
