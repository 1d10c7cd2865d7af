/**
 * @file What a generate job runs on the rented machine, beside its server: reads the prompts, asks for what is missing, appends
 * each reply durably. Bundled to dist/generate/generate.mjs; started by python/generate.py, once a model.
 */
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { decodeSegments, type DoneSetting, type SegmentedRequest } from "../../decode/decode-segments.ts";
import { modelOf, ReplyBook, rowOf } from "../../decode/generate-replies.ts";
import { type GenerateEvent, GenerateJob, GeneratePrompt, GenerateReply } from "../../schema/generate-job.ts";
import { AppendLog } from "../store/append-log.ts";
import { readJsonl } from "../store/jsonl.ts";
import { nodeFileSystem } from "../file-system.ts";
import { type CompletionsRuntime, openCompletionsRuntime } from "./completions-runtime.ts";

/** An event as the program tells it: whoever started it knows the time. */
export type ProgramEvent =
  | Pick<Extract<GenerateEvent, { type: "progress" }>, "type" | "model" | "done" | "total" | "tokens" | "seconds">
  | Pick<Extract<GenerateEvent, { type: "warning" }>, "type" | "message">;

/** How the program is started. */
export interface GenerateProgramOptions {
  /** Path of job.json; its folder is the job's. */
  readonly jobFile: string;
  /** Folder of replies.jsonl. */
  readonly outFolder: string;
  /** Which of the job's models the server serves. */
  readonly model: string;
  /** The server, up to and with `/v1`. */
  readonly baseUrl: string;
  readonly signal: AbortSignal;
  tell(event: ProgramEvent): void;
}

const MAX_JOB_BYTES = 64 << 20;
const PROGRESS_MS = 2_000;

/**
 * Asks the model for every reply that is missing.
 * @returns how many replies were given now
 * @throws {AppError} interrupted (the signal; what was given stays), provider, provider-permanent, and of the files
 */
export async function runGenerateProgram(options: GenerateProgramOptions): Promise<number> {
  const { jobFile, outFolder, model, signal } = options;
  const job = GenerateJob.parse(JSON.parse(await nodeFileSystem().readText(jobFile, MAX_JOB_BYTES)));
  mkdirSync(outFolder, { recursive: true });
  const prompts = await readPrompts(resolve(dirname(jobFile), job.prompts), model);
  const log = await AppendLog.open(join(outFolder, "replies.jsonl"));
  try {
    const book = await readReplies(log.path);
    const missing = prompts.filter(({ settings, ...prompt }) =>
      settings.some((_, place) => !book.of(prompt).has(place)),
    );
    const first = missing[0];
    if (first === undefined) return 0;
    const runtime = await openRuntime(job, first, options);
    try {
      return await ask({ job, prompts, missing, book, log, runtime, signal, tell: options.tell, model });
    } finally {
      await runtime.close();
    }
  } finally {
    await log.close();
  }
}

async function readPrompts(path: string, model: string): Promise<GeneratePrompt[]> {
  const prompts: GeneratePrompt[] = [];
  for await (const prompt of readJsonl(path, GeneratePrompt)) if (prompt.model === model) prompts.push(prompt);
  return prompts;
}

async function readReplies(path: string): Promise<ReplyBook> {
  const book = new ReplyBook();
  for await (const reply of readJsonl(path, GenerateReply, { unterminated: "skip" })) book.add(reply);
  return book;
}

async function openRuntime(
  job: GenerateJob,
  { ids }: GeneratePrompt,
  { baseUrl, model, signal, tell }: GenerateProgramOptions,
): Promise<CompletionsRuntime> {
  const { contextTokens, choosableIds, maxSegmentTokens } = job;
  const size = { contextTokens, choosableIds, maxSegmentTokens };
  const runtime = await openCompletionsRuntime({ baseUrl, model, probeIds: ids, signal, ...size });
  for (const lack of runtime.lacks) tell({ type: "warning", message: `${model}'s server: ${lack}` });
  return runtime;
}

interface Asking extends Pick<GenerateProgramOptions, "signal" | "tell" | "model"> {
  readonly job: GenerateJob;
  readonly prompts: readonly GeneratePrompt[];
  readonly missing: readonly GeneratePrompt[];
  readonly book: ReplyBook;
  readonly log: AppendLog;
  readonly runtime: CompletionsRuntime;
}

async function ask({ job, prompts, missing, book, log, runtime, signal, tell, model }: Asking): Promise<number> {
  const total = prompts.reduce((sum, { settings }) => sum + settings.length, 0);
  const before = prompts.reduce((sum, prompt) => sum + book.of(prompt).size, 0);
  const begun = performance.now();
  let given = 0;
  let tokens = 0;
  const progress = (): void => {
    const seconds = Math.round(performance.now() - begun) / 1000;
    tell({ type: "progress", model, done: before + given, total, tokens, seconds });
  };
  const requests = missing.map((prompt) => ({ ...rowOf(prompt, job), known: new Map(book.of(prompt)) }));
  const promptOf = new Map<SegmentedRequest, GeneratePrompt>(
    requests.map((each, i) => [each, missing[i] as GeneratePrompt]),
  );
  const onSetting = async ({ request, place, choices }: DoneSetting): Promise<void> => {
    const line = book.line(promptOf.get(request) as GeneratePrompt, place, choices);
    await log.append(line);
    given++;
    tokens += line.chosen.length;
  };
  const timer = setInterval(progress, PROGRESS_MS);
  try {
    progress();
    await decodeSegments(runtime, requests, {
      delimiters: modelOf(job, model).delimiters,
      concurrency: job.concurrency,
      signal,
      onSetting,
    });
    return given;
  } finally {
    clearInterval(timer);
    progress();
  }
}
