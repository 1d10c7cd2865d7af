/** @file Flags of `grappa evaluate`, and what they ask for. */
import { AppError } from "../core/errors.ts";
import { DEFAULT_MAX_TRIES, type WantedSettings } from "../evaluate/evaluation-plan.ts";
import { parseTaskSpec } from "../evaluate/tasks/task-spec.ts";
import { formatUsd, parseUsd } from "../ledger/money.ts";
import { readApiKey } from "../adapters/teacher/openai-compatible.ts";
import type { EvaluateRequest } from "../pipeline/evaluation/evaluate-task.ts";
import { findModel } from "../pipeline/evaluation/find-model.ts";
import type { OpenModelOptions } from "../pipeline/evaluation/open-model.ts";
import type { CommonFlags } from "./command-result.ts";
import type { CliContext } from "./context.ts";
import { type GgufFlags, ggufPlace } from "./gguf-place.ts";
import { hubAccess } from "./hub-access.ts";
import {
  decimalNumber,
  ggufFlags,
  jsonFlag,
  MAX_SEED,
  plainText,
  threadsFlag,
  wholeNumber,
  wholeNumbers,
  sha256Text,
} from "./flags.ts";
import { givenCap, givenPrice, type JudgeFlags, judgeFlags, judgeOptions } from "./judge-flags.ts";
import { shellQuote } from "./shell-quote.ts";

/** Flags of `grappa evaluate` as they were given. */
export interface EvaluateFlags extends CommonFlags, JudgeFlags, GgufFlags {
  readonly task: string;
  readonly data?: string;
  readonly sha256?: string;
  readonly limit?: number;
  readonly model?: string;
  readonly endpoint?: string;
  readonly api: "chat" | "completions";
  readonly keyEnv?: string;
  readonly inputPrice?: number;
  readonly outputPrice?: number;
  readonly maxUsd?: number;
  readonly concurrency: number;
  readonly budgets?: readonly (number | "auto")[];
  readonly waits?: readonly number[];
  readonly direct: boolean;
  readonly reject?: readonly number[];
  readonly maxTries?: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly answerTokens?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly out?: string;
  readonly allowPartialSandbox: boolean;
  readonly unsafeLocal: boolean;
  readonly plan: boolean;
}

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: plainText, brief, optional: true, placeholder }) as const;
const number = (parse: (input: string) => number, brief: string, placeholder = "N") =>
  ({ kind: "parsed", parse, brief, optional: true, placeholder }) as const;
const numbers = <T>(parse: (input: string) => readonly T[], brief: string) =>
  ({ kind: "parsed", parse, brief, optional: true, placeholder: "N,N" }) as const;
const flag = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

/** Hard caps on thinking, where `auto` is none. */
function budgetLadder(input: string): readonly (number | "auto")[] {
  const one = wholeNumber(0, 1 << 20);
  return input.split(",").map((part) => (part.trim() === "auto" ? "auto" : one(part.trim())));
}

/** Which sandbox may run generated code. */
export const sandboxFlags = {
  allowPartialSandbox: flag("take a sandbox that leaves something open, such as the network"),
  unsafeLocal: flag("run generated code without a sandbox"),
} as const;

/** The task's data. */
export const dataFlags = {
  data: text("the task's data: a JSONL, CSV or Parquet file, or hf:OWNER/NAME@REVISION:PATH", "DATA"),
  sha256: { ...text("SHA-256 that the data must have", "HASH"), parse: sha256Text },
} as const;

/** See {@link EvaluateFlags}. */
export const evaluateFlags = {
  ...jsonFlag,
  task: { kind: "parsed", parse: plainText, brief: "a task, or TASK:N for N samples a question", placeholder: "TASK" },
  ...dataFlags,
  limit: number(wholeNumber(1, 1_000_000), "at most so many questions, drawn by the seed"),
  model: text("the same as MODEL", "MODEL"),
  endpoint: text("an OpenAI-compatible endpoint, up to and including /v1", "URL"),
  api: { kind: "enum", values: ["chat", "completions"], brief: "which of its APIs", default: "chat" },
  keyEnv: text("environment variable that holds its key", "NAME"),
  inputPrice: number(parseUsd, "dollars for a million prompt tokens; 0 if it is yours", "USD"),
  outputPrice: number(parseUsd, "dollars for a million completion tokens", "USD"),
  maxUsd: number(parseUsd, "never spend more than this", "USD"),
  concurrency: {
    kind: "parsed",
    parse: wholeNumber(1, 256),
    brief: "requests in flight",
    default: "8",
    placeholder: "N",
  },
  budgets: {
    ...numbers(budgetLadder, "think under these hard caps, tokens; auto: to the natural end, always done (students)"),
    placeholder: "N,N,auto",
  },
  waits: numbers(wholeNumbers(0, 16), 'put the natural end of thinking off by so many "Wait"; 0: not (students)'),
  direct: flag("also answer without thinking (students)"),
  reject: numbers(
    wholeNumbers(1, 1 << 20),
    "also sample until thinking ends by itself within so many tokens (students)",
  ),
  maxTries: number(wholeNumber(1, 1000), `samples until --reject gives up (default: ${DEFAULT_MAX_TRIES})`),
  temperature: number(
    decimalNumber(0, 2),
    "of sampling (default: 0, or 0.7 for several samples and with --reject)",
    "T",
  ),
  maxTokens: number(wholeNumber(1, 1 << 20), "cap on thinking and answer together (default: context, or 32768)"),
  answerTokens: number(wholeNumber(1, 1 << 20), "kept free for a student's answer (default: a 16th of its context)"),
  seed: {
    kind: "parsed",
    parse: wholeNumber(0, MAX_SEED),
    brief: "of draws, limit and choices; sent to an endpoint if not 0",
    default: "0",
    placeholder: "N",
  },
  ...threadsFlag,
  ...ggufFlags,
  out: text("folder of the evaluation (default: evaluations/TASK-MODEL-ID)", "DIR"),
  ...sandboxFlags,
  ...judgeFlags,
  plan: flag("say what would be asked and what it may cost, and ask nothing"),
} as const;

/** The MODEL on a command line. */
export const modelArgument = {
  brief: "a run, a model's folder, a GGUF, or demo-base; with --endpoint, the model's name there",
  parse: plainText,
  placeholder: "MODEL",
  optional: true,
} as const;

const FOR_STUDENTS =
  "is for students: on an endpoint only the natural end of thinking is evaluated, under --max-tokens";
const ENDPOINT_MAX_TOKENS = 32_768;
const SAMPLED_TEMPERATURE = 0.7;

/** Flags with the model that they, or the command's argument, name. */
type NamedFlags = EvaluateFlags & { readonly model: string };

/**
 * What the flags ask for.
 *
 * @param model the command's argument
 * @throws AppError "usage" for flags that do not go together; as `findModel` and `readApiKey`.
 */
export async function evaluateRequest(
  asked: EvaluateFlags,
  model: string | undefined,
  { context, signal }: { readonly context: CliContext; readonly signal: AbortSignal },
): Promise<EvaluateRequest> {
  const flags = withModel(asked, model);
  const { name, samples } = parseTaskSpec(flags.task);
  const { workingFolder } = context.recipes;
  const temperature = temperatureOf(flags, samples);
  const judge = judgeOptions(flags, context.secrets);
  const settings: WantedSettings = {
    budgets: (flags.budgets ?? []).filter((budget) => budget !== "auto"),
    waits: flags.waits ?? [],
    isDirect: flags.direct,
    temperature,
    ...(flags.reject === undefined ? {} : { rejectAbove: flags.reject }),
    ...given(flags, ["maxTries"]),
  };
  return {
    task: {
      name,
      seed: flags.seed,
      workingFolder,
      hub: hubAccess(context),
      ...given(flags, ["data", "sha256", "limit"]),
    },
    samplesPerQuestion: samples,
    ...(flags.endpoint === undefined
      ? await student(flags, context)
      : { model: endpoint(flags, context, temperature) }),
    settings,
    ...(judge === undefined ? {} : { judge }),
    sandbox: { allowPartial: flags.allowPartialSandbox, unsafeLocal: flags.unsafeLocal },
    ...given(flags, ["out"]),
    workingFolder,
    command: commandOf(flags),
    grappaVersion: context.version,
    signal,
  };
}

function withModel(flags: EvaluateFlags, argument: string | undefined): NamedFlags {
  const model = argument ?? flags.model;
  if (model === undefined)
    throw new AppError("usage", "no MODEL is named", {
      hint: "grappa evaluate MODEL --task TASK; MODEL is a run, a model's folder, a GGUF or demo-base",
    });
  if (flags.model !== undefined && flags.model !== model)
    throw new AppError("usage", `two models are named, ${model} and --model ${flags.model}`, { hint: "name one" });
  return { ...flags, model };
}

/** Throws "usage" where rejection sampling is asked for greedily: every try would be the same. */
function temperatureOf({ temperature, reject, maxTries }: EvaluateFlags, samples: number): number {
  if (maxTries !== undefined && reject === undefined) throw new AppError("usage", "--max-tries is for --reject");
  if (temperature === 0 && reject !== undefined)
    throw new AppError("usage", "--reject at --temperature 0 would try the same reply again and again", {
      hint: "give a temperature above 0, or leave the flag out",
    });
  return temperature ?? (samples > 1 || reject !== undefined ? SAMPLED_TEMPERATURE : 0);
}

/** The command with the flags that were given. */
function commandOf({ json: _json, plan: _plan, model, ...flags }: NamedFlags): string {
  const words = Object.entries(flags).flatMap(([name, value]) => {
    const word = flagName(name);
    if (value === undefined || value === false || DEFAULTS[name] === value) return [];
    if (value === true) return [word];
    const isUsd = /(?:Usd|Price)$/.test(name);
    return [word, shellQuote(isUsd ? formatUsd(Number(value)).slice(1) : String(value))];
  });
  return ["grappa evaluate", shellQuote(model), ...words].join(" ");
}

const DEFAULTS: Readonly<Record<string, unknown>> = { api: "chat", concurrency: 8, seed: 0 };

/** `maxUsd` as `--max-usd`. */
function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The members that were given. */
function given<F, K extends keyof F>(flags: F, names: readonly K[]): Partial<Pick<F, K>> {
  const entries = names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]);
  return Object.fromEntries(entries) as Partial<Pick<F, K>>;
}

async function student(flags: NamedFlags, context: CliContext): Promise<Pick<EvaluateRequest, "model" | "runFolder">> {
  refuse(flags, ["keyEnv", "inputPrice", "outputPrice", "maxUsd"], "is for --endpoint");
  const { recipes, settings } = context;
  const { name, folder, runFolder } = await findModel(flags.model, recipes);
  const threads = flags.threads ?? settings.threads;
  const limits = given(flags, ["maxTokens", "answerTokens"]);
  const gguf = ggufPlace(flags, context, folder);
  const asked = { name, threads, seed: flags.seed, ...limits };
  return {
    model:
      gguf === undefined ? { kind: "student", folder, ...asked } : { kind: "gguf", path: folder, ...gguf, ...asked },
    ...(runFolder === undefined ? {} : { runFolder }),
  };
}

function endpoint(flags: NamedFlags, context: CliContext, temperature: number): OpenModelOptions {
  refuse(flags, ["budgets", "waits", "direct", "reject", "answerTokens"], FOR_STUDENTS);
  refuse(flags, ["context", "tokenizer"], "is for a GGUF");
  const { model, api, keyEnv, concurrency, seed, maxTokens = ENDPOINT_MAX_TOKENS } = flags;
  const { inputPrice: input, outputPrice: output } = flags;
  const price = givenPrice(model, { input, output, names: "--input-price and --output-price" });
  const apiKey = keyEnv === undefined ? {} : { apiKey: readApiKey({ [keyEnv]: context.secrets(keyEnv) }, keyEnv) };
  return {
    kind: "endpoint",
    baseUrl: flags.endpoint ?? "",
    model,
    api,
    price,
    maxMicroUsd: givenCap(price, flags.maxUsd, "--max-usd"),
    concurrency,
    seed,
    maxTokens,
    temperature,
    ...apiKey,
  };
}

function refuse(flags: EvaluateFlags, names: readonly (keyof EvaluateFlags)[], why: string): void {
  const found = names.find((name) => flags[name] !== undefined && flags[name] !== false);
  if (found === undefined) return;
  throw new AppError("usage", `${flagName(found)} ${why}`);
}
