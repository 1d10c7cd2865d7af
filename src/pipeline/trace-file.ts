/**
 * @file `grappa trace`: questions of a file to one teacher, without a recipe. Its folder:
 *
 *     trace.json               written first: whose folder this is
 *     journal/requests.jsonl   what was bought; nothing is bought twice
 *     questions.jsonl          the questions as they were asked
 *     traces.jsonl             a trace for each sample that came; written when all are asked, or asking stops
 *     failed.jsonl             what did not come, with the reason
 *     terms.json               terms of use that were accepted, where any had to be
 */
import { type FileSystem, type FileWriter, joinPath } from "../adapters/file-system.ts";
import type { ProcessTable } from "../adapters/process-table.ts";
import type { TraceOutcome, TraceProgress } from "../adapters/teacher/trace-questions.ts";
import { AppError } from "../core/errors.ts";
import { untilFailure } from "../core/until-failure.ts";
import { dropDuplicates } from "../curate/duplicates.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import type { Endpoint } from "../schema/endpoint.ts";
import { Recipe } from "../schema/recipe.ts";
import { type Dropped, type Question, SCHEMA_VERSION } from "../schema/records.ts";
import { z } from "zod";
import { acceptTerms, joinTerms, keepAcceptedTerms, readAcceptedTerms } from "./accepted-terms.ts";
import { keepAccounts } from "./run-accounts.ts";
import { parseRecord } from "./parse-record.ts";
import { lockRun } from "./run-lock.ts";
import { type AskPorts, askPortsOf } from "./stages/ask-endpoint.ts";
import { traceByTeachers } from "./stages/ask-teachers.ts";
import { readSource } from "./sources/read-source.ts";
import { FileSource } from "../schema/question-source.ts";
import { checkTeachers } from "./stages/gates.ts";
import { keyInTheClear } from "./stages/open-teacher.ts";
import type { TeacherWorld } from "./stages/teacher-world.ts";

/** What is to be traced, and how. */
export interface TraceFileRequest {
  readonly folder: string;
  readonly questionsPath: string;
  /** Field that holds the question. */
  readonly questionField: string;
  readonly teacher: Endpoint;
  readonly samples: number;
  readonly system?: string;
  readonly maxUsd: number;
  readonly allowSummaries: boolean;
  readonly salvage: Recipe["trace"]["salvage"];
  readonly retryFailed: boolean;
  readonly world: TeacherWorld;
  readonly signal: AbortSignal;
}

/** The world, and who looks on. */
export interface TraceFilePorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly onProgress: (progress: TraceProgress) => void;
  readonly warn: (message: string) => void;
}

/** What came of it. */
export interface TraceFileOutcome {
  readonly questions: number;
  readonly traces: number;
  readonly failed: number;
  /** Failures by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Rows of the file that are no question. */
  readonly badRows: number;
  /** Samples that were there before. */
  readonly fromJournal: number;
  readonly spentMicroUsd: number;
}

/**
 * Asks for what is missing, and writes traces and failures.
 *
 * @throws AppError "run-locked"; "file-denied" when the folder holds something else; what the gates, the file and asking
 *   throw. What was bought stays in the journal. Where asking stopped early and something had come, traces and failures so
 *   far are written, and the error's `data` has `isComplete: false` and their numbers.
 */
export async function traceFile(request: TraceFileRequest, ports: TraceFilePorts): Promise<TraceFileOutcome> {
  const { folder, teacher, world } = request;
  const { fs, processes, warn } = ports;
  const accepted = joinTerms(await readAcceptedTerms(fs, folder), acceptTerms([teacher], world.acceptedTerms));
  const whole = { ...world, acceptedTerms: accepted.map(({ provider }) => provider) };
  const recipe = recipeOf(request);
  checkTeachers(recipe, whole);
  const { questions, dropped } = await readQuestions(request);
  await fs.makeFolder(folder);
  await refuseForeignFolder(fs, folder);
  await refuseOtherTeacher(fs, request);
  const lock = await lockRun(fs, processes, folder);
  const journalFolder = joinPath(folder, "journal");
  const keeper = keepAccounts({ journalFolder, capMicroUsd: microUsdFromUsd(recipe.maxUsd), warn });
  try {
    await writeHeader(fs, request);
    await keepAcceptedTerms(fs, folder, accepted);
    warnOf(request, dropped, warn);
    const { signal, retryFailed } = request;
    const context = { recipe, signal, retryFailed, journalFolder, accounts: keeper.accounts };
    const asking = await askPortsOf(context, whole);
    const counted = await ask(questions, { folder, recipe, asking, ports });
    return { ...counted, questions: questions.length, badRows: dropped.length };
  } finally {
    await keeper.close();
    await lock.release();
  }
}

/** As much of a recipe as tracing reads. */
function recipeOf(request: TraceFileRequest): Pick<Recipe, "seed" | "trace" | "maxUsd"> {
  const { teacher, samples, system, allowSummaries, salvage, maxUsd } = request;
  const family = { type: "family", family: "arithmetic", count: 1, difficulty: [1, 1] };
  return Recipe.parse({
    name: "trace",
    maxUsd,
    student: { base: "none" },
    collect: { sources: [family] },
    trace: {
      teacher,
      samplesPerQuestion: samples,
      allowSummaries,
      salvage,
      ...(system === undefined ? {} : { system }),
    },
  });
}

async function readQuestions(
  request: TraceFileRequest,
): Promise<{ readonly questions: readonly Question[]; readonly dropped: readonly Dropped[] }> {
  const { questionsPath: path, questionField: question } = request;
  const count = Number.MAX_SAFE_INTEGER;
  const source = FileSource.parse({ type: "file", path, question, answer: "", holdOut: false, count });
  const ports = { recipeFolder: ".", signal: request.signal, seed: 0, strict: false };
  const { train, dropped } = await readSource(source, ports);
  const { kept: questions } = dropDuplicates(train);
  if (questions.length > 0) return { questions, dropped };
  throw new AppError("record-invalid", `${path}: no row holds a question in the field "${question}"`, {
    hint: dropped[0]?.detail ?? "name the field with --question-field",
  });
}

const HEADER = "trace.json";

/** A folder with files and no header of ours is somebody's work. */
async function refuseForeignFolder(fs: FileSystem, folder: string): Promise<void> {
  const names = await fs.names(folder);
  if (names.includes(HEADER) || names.every((name) => name.startsWith("lock.json") || name.startsWith(HEADER))) return;
  throw new AppError(
    "file-denied",
    `${folder}: not a folder of grappa trace, and not empty (${names.length} entries)`,
    {
      hint: "choose another with --out DIR",
    },
  );
}

const headerOf = ({ teacher }: TraceFileRequest) => ({
  schemaVersion: SCHEMA_VERSION,
  type: teacher.type,
  name: teacher.name ?? null,
  model: teacher.model,
});

const Header = z.object({ type: z.string(), name: z.string().nullable(), model: z.string() });
const MAX_HEADER_BYTES = 64 * 1024;

/** Another teacher's traces would be replaced by this one's: two names of models can come to one folder. */
async function refuseOtherTeacher(fs: FileSystem, request: TraceFileRequest): Promise<void> {
  const path = joinPath(request.folder, HEADER);
  if ((await fs.kind(path)) !== "file") return;
  const found = parseRecord(await fs.readText(path, MAX_HEADER_BYTES), Header, path);
  const { type, name, model } = headerOf(request);
  if (found.type === type && found.name === name && found.model === model) return;
  throw new AppError("file-denied", `${request.folder} holds the traces of ${found.model} (${found.type})`, {
    hint: "choose another folder with --out DIR",
    data: { model: found.model, type: found.type },
  });
}

async function writeHeader(fs: FileSystem, request: TraceFileRequest): Promise<void> {
  await fs.writeAtomic(joinPath(request.folder, HEADER), `${JSON.stringify(headerOf(request), null, 2)}\n`);
}

function warnOf({ teacher }: TraceFileRequest, dropped: readonly Dropped[], warn: (message: string) => void): void {
  const host = keyInTheClear(teacher);
  if (host !== undefined) warn(`the teacher's key goes to ${host} unencrypted: use https`);
  const [first] = dropped;
  if (first !== undefined) warn(`${dropped.length} rows of the file are no question; the first: ${first.detail}`);
}

interface Asking {
  readonly folder: string;
  readonly recipe: Pick<Recipe, "seed" | "trace">;
  readonly asking: AskPorts;
  readonly ports: TraceFilePorts;
}

type Counted = Omit<TraceFileOutcome, "questions" | "badRows">;

async function ask(questions: readonly Question[], { folder, recipe, asking, ports }: Asking): Promise<Counted> {
  let fromJournal = 0;
  const stop: { isWhileBuying: boolean; error?: AppError } = { isWhileBuying: false };
  const all = traceByTeachers(questions, {
    ...asking,
    recipe,
    verify: () => Promise.resolve("unscored"),
    onProgress: (progress) => {
      fromJournal = progress.fromJournal;
      ports.onProgress(progress);
    },
    onStopped: () => (stop.isWhileBuying = true),
  });
  const outcomes = untilFailure(all, (error) => {
    if (!stop.isWhileBuying || !(error instanceof AppError)) throw error;
    stop.error = error;
  });
  const counted = await writingRows(ports.fs, folder, async (files) => {
    for (const question of questions) await write(files.questions, question);
    const written = await writeOutcomes(files, outcomes);
    if (stop.error !== undefined && written.traces + written.failed === 0) throw stop.error;
    return written;
  });
  if (stop.error !== undefined) throw incomplete(stop.error, counted);
  return { ...counted, fromJournal, spentMicroUsd: asking.accounts.ledger.snapshot().spentMicroUsd };
}

type Written = Pick<TraceFileOutcome, "traces" | "failed" | "reasons">;

async function writeOutcomes(files: Files, outcomes: AsyncIterable<TraceOutcome>): Promise<Written> {
  const reasons: Record<string, number> = {};
  let [traces, failed] = [0, 0];
  for await (const outcome of outcomes) {
    if (outcome.type === "trace") {
      traces += 1;
      await write(files.traces, outcome.trace);
    } else {
      const { reason } = outcome.failure;
      failed += 1;
      reasons[reason] = (reasons[reason] ?? 0) + 1;
      await write(files.failed, outcome.failure);
    }
  }
  return { traces, failed, reasons };
}

/** What stopped the asking, and what the files hold all the same. */
function incomplete(error: AppError, { traces, failed }: Written): AppError {
  const { code, message, hint, data, isRetryable } = error;
  return new AppError(code, `${message}; traces.jsonl is incomplete: it holds ${traces} so far`, {
    ...(hint === undefined ? {} : { hint }),
    data: { ...data, isComplete: false, traces, failed },
    isRetryable,
    cause: error,
  });
}

type Files = Readonly<Record<"questions" | "traces" | "failed", FileWriter>>;

const write = (file: FileWriter, row: unknown): Promise<void> => file.write(`${JSON.stringify(row)}\n`);

/** Files that appear together when `work` is done, and stay as they were when it fails. */
async function writingRows<T>(fs: FileSystem, folder: string, work: (files: Files) => Promise<T>): Promise<T> {
  const open = (name: string): Promise<FileWriter> => fs.openWriter(joinPath(folder, name));
  const files = {
    questions: await open("questions.jsonl"),
    traces: await open("traces.jsonl"),
    failed: await open("failed.jsonl"),
  };
  const done = await work(files).catch(async (error: unknown) => {
    for (const file of Object.values(files)) await file.abandon();
    throw error;
  });
  for (const file of Object.values(files)) await file.close();
  return done;
}
