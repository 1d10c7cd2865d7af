import { resolve } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { formatUsd } from "../../ledger/money.ts";
import { parsePriceOverride } from "../../ledger/price-override.ts";
import { teacherWorld } from "../../pipeline/open-services.ts";
import { purchaseProgress } from "../../pipeline/stages/purchase-progress.ts";
import {
  traceFile,
  type TraceFileOutcome,
  type TraceFilePorts,
  type TraceFileRequest,
} from "../../pipeline/trace-file.ts";
import { count } from "../../report/number-format.ts";
import { Endpoint } from "../../schema/endpoint.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { showProgress } from "../progress.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface TraceFlags extends CommonFlags {
  readonly teacher?: string;
  readonly type: "openai-compatible" | "gemini" | "anthropic";
  readonly model: string;
  readonly questions: string;
  readonly questionField: string;
  readonly out?: string;
  readonly samples: number;
  readonly system?: string;
  readonly keyEnv?: string;
  /** Micro-dollars. */
  readonly maxUsd?: number;
  readonly price?: string;
  readonly concurrency: number;
  readonly maxTokens: number;
  readonly salvage: Recipe["trace"]["salvage"];
  readonly allowSummaries: boolean;
  readonly acceptTerms?: readonly string[];
  readonly retryFailed: boolean;
}

/** Asks a teacher the questions of a file. */
export default presenting<TraceFlags, []>((context, flags) =>
  untilInterrupted(context, "what is bought is kept; the same command goes on from there", async (signal) => {
    const request = requestOf(context, flags, signal);
    const outcome = await withProgress(context, (ports) => traceFile(request, ports));
    return present(shownPath(context, request.folder), outcome);
  }),
);

function requestOf({ recipes, secrets }: CliContext, flags: TraceFlags, signal: AbortSignal): TraceFileRequest {
  const { model, samples, questionField, allowSummaries, salvage, retryFailed, system, acceptTerms = [] } = flags;
  const from = (path: string): string => resolve(recipes.workingFolder, path);
  const price = flags.price === undefined ? [] : [parsePriceOverride(`${model}=${flags.price.split("=").at(-1)}`)];
  return {
    folder: from(flags.out ?? `traces/${model.replaceAll(/[^\w.-]+/g, "-")}`),
    questionsPath: from(flags.questions),
    teacher: endpointOf(flags),
    maxUsd: (flags.maxUsd ?? 0) / 1e6,
    samples,
    questionField,
    allowSummaries,
    salvage,
    retryFailed,
    ...(system === undefined ? {} : { system }),
    world: teacherWorld({ secrets, runFolder: recipes.workingFolder, prices: price, acceptedTerms: acceptTerms }),
    signal,
  };
}

function endpointOf({ type, teacher, model, keyEnv, maxTokens, concurrency }: TraceFlags): Endpoint {
  if (teacher === undefined && type === "openai-compatible")
    throw new AppError("usage", "no teacher is named", {
      hint: "give --teacher URL, for example http://127.0.0.1:8000/v1; --type gemini and --type anthropic know their address",
    });
  const parsed = Endpoint.safeParse({
    type,
    model,
    maxTokens,
    limits: { concurrency },
    ...(teacher === undefined ? {} : { baseUrl: teacher }),
    ...(keyEnv === undefined ? {} : { apiKeyEnv: keyEnv }),
  });
  if (parsed.success) return parsed.data;
  throw new AppError("usage", `the teacher cannot be asked: ${z.prettifyError(parsed.error)}`, {
    hint: "--teacher is a URL up to and including /v1",
  });
}

async function withProgress(
  context: CliContext,
  work: (ports: TraceFilePorts) => Promise<TraceFileOutcome>,
): Promise<TraceFileOutcome> {
  const { fs, processes, clock } = context;
  const { stderr } = context.process;
  const observe = showProgress({ write: (text) => stderr.write(text), clock, ...context.terminal });
  const begun = clock.now();
  const end = () => ({ stage: "trace", key: "", seconds: (clock.now() - begun) / 1000 }) as const;
  try {
    const outcome = await work({
      fs,
      processes,
      onProgress: (now) => observe({ type: "stage-progress", stage: "trace", ...purchaseProgress(now, "traces") }),
      warn: (message) => observe({ type: "warning", message }),
    });
    observe({ type: "stage-end", ...end(), note: `${count(outcome.traces)} traces, ${count(outcome.failed)} failed` });
    return outcome;
  } catch (error) {
    observe({ type: "stage-fail", ...end(), error });
    throw error;
  }
}

function present(place: string, outcome: TraceFileOutcome): CommandResult {
  const { questions, traces, failed, reasons, badRows, fromJournal, spentMicroUsd } = outcome;
  const why = Object.entries(reasons).map(([reason, rows]) => `${reason} ${rows}`);
  return {
    json: { folder: place, questions, traces, failed, reasons, badRows, fromJournal, spentUsd: spentMicroUsd / 1e6 },
    text: [
      `${count(traces)} traces of ${count(questions)} questions, ${formatUsd(spentMicroUsd)} spent${fromJournal > 0 ? `; ${count(fromJournal)} were there before` : ""}`,
      ...(failed > 0 ? [`${count(failed)} failed (${why.join(", ")}): failed.jsonl; --retry-failed asks again`] : []),
      `in ${place}`,
    ].join("\n"),
  };
}
