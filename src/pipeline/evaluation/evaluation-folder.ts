/**
 * @file An evaluation's folder:
 *
 *     evaluation.json    written first: what is asked of which model
 *     origin.json        the command that began it, and where its data lay
 *     samples.jsonl      append-only, one line a sample, written when it is graded
 *     requests.jsonl     what was bought from an endpoint; absent for a student
 *     scores-N.jsonl     the verdicts of the N-th rescoring, one line for each sample
 *     contamination.json which questions the student was trained on, where a run trained it
 *     speed.jsonl        seconds and tokens of each process that asked
 *     accuracy.svg       accuracy against thinking
 *     summary.json       written last
 */
import { basename } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import type { ProcessTable } from "../../adapters/process-table.ts";
import { AppendLog } from "../../adapters/store/append-log.ts";
import { readJsonl } from "../../adapters/store/jsonl.ts";
import { AppError } from "../../core/errors.ts";
import { sampleKey } from "../../evaluate/evaluation-plan.ts";
import {
  EvaluationHeader,
  EvaluationOrigin,
  EvaluationSample,
  EvaluationSpeed,
  RescoredSample,
} from "../../schema/evaluation.ts";
import { Contamination } from "../../schema/evaluation-summary.ts";
import { SCHEMA_VERSION } from "../../schema/records.ts";
import { parseRecord } from "../parse-record.ts";
import { changedFields } from "../run-folder.ts";
import { lockRun, type RunLock } from "../run-lock.ts";

const HEADER = "evaluation.json";
const ORIGIN = "origin.json";
const SAMPLES = "samples.jsonl";
const SUMMARY = "summary.json";
const SPEED = "speed.jsonl";
const CHART = "accuracy.svg";
const SCORES = /^scores-(\d+)\.jsonl$/;
const CONTAMINATION = "contamination.json";
const MAX_HEADER_BYTES = 1 << 20;
const MAX_CONTAMINATION_BYTES = 64 << 20;

/** Path of the journal of what was bought. */
export function evaluationJournal(folder: string): string {
  return joinPath(folder, "requests.jsonl");
}

/** Where to write, and as whom. */
export interface EvaluationPorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
}

/** A locked evaluation folder with its log open. */
export interface OpenEvaluation {
  /** Samples that are written already. */
  readonly done: ReadonlySet<string>;
  /** Size of a line that a crash cut off, bytes; it was removed and its sample is asked for again. */
  readonly tornBytes: number;
  /** Keeps a sample; resolves when it is on the disk. */
  append(sample: EvaluationSample): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens an evaluation for writing, or begins it.
 *
 * @throws AppError "run-locked"; "run-changed" when the folder holds another evaluation, naming what differs;
 *   "file-denied" when it holds something else; "schema-version", "record-invalid", "file-corrupt", "disk-full".
 */
export async function openEvaluation(
  { fs, processes }: EvaluationPorts,
  folder: string,
  { header, origin }: { readonly header: EvaluationHeader; readonly origin: EvaluationOrigin },
): Promise<OpenEvaluation> {
  await fs.makeFolder(folder);
  await refuseForeignFolder(fs, folder);
  const lock = await lockEvaluation({ fs, processes }, folder);
  try {
    const earlier = await readEvaluationHeader(fs, folder);
    if (earlier) refuseOtherEvaluation(folder, earlier, header);
    else await writeJson(fs, joinPath(folder, HEADER), header);
    await writeJson(fs, joinPath(folder, ORIGIN), origin);
    for (const name of await fs.names(folder)) if (name.endsWith(".tmp")) await fs.remove(joinPath(folder, name));
    let tornBytes = 0;
    const log = await AppendLog.open(joinPath(folder, SAMPLES), {
      onTornLine: ({ sizeBytes }) => (tornBytes = sizeBytes),
    });
    const close = async (): Promise<void> => {
      await log.close();
      await lock.release();
    };
    try {
      const done = await doneSamples(fs, folder);
      return { done, tornBytes, append: async (sample) => void (await log.append(sample)), close };
    } catch (error) {
      await log.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Takes an evaluation for this process. Throws "run-locked" when another live process has it. */
export async function lockEvaluation({ fs, processes }: EvaluationPorts, folder: string): Promise<RunLock> {
  try {
    return await lockRun(fs, processes, folder);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "run-locked") throw error;
    const { message, data, isRetryable } = error;
    const hint = "wait for it or stop it; --out DIR begins another evaluation beside it";
    throw new AppError("run-locked", message, { hint, data, isRetryable, cause: error });
  }
}

/** The evaluation's header; undefined when the folder holds none. Throws "schema-version" or "record-invalid". */
export async function readEvaluationHeader(fs: FileSystem, folder: string): Promise<EvaluationHeader | undefined> {
  const path = joinPath(folder, HEADER);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_HEADER_BYTES), EvaluationHeader, path);
}

/** How the evaluation was begun; undefined where that is not known. */
export async function readOrigin(fs: FileSystem, folder: string): Promise<EvaluationOrigin | undefined> {
  const path = joinPath(folder, ORIGIN);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_HEADER_BYTES), EvaluationOrigin, path);
}

async function writeJson(fs: FileSystem, path: string, value: unknown): Promise<void> {
  await fs.writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** A folder with files and no header of ours is somebody's work. */
async function refuseForeignFolder(fs: FileSystem, folder: string): Promise<void> {
  const names = await fs.names(folder);
  if (names.includes(HEADER) || names.every((name) => name.startsWith("lock.json") || name.startsWith(HEADER))) return;
  throw new AppError("file-denied", `${folder}: not an evaluation, and not empty (${names.length} entries)`, {
    hint: "choose another with --out DIR",
  });
}

function refuseOtherEvaluation(folder: string, earlier: EvaluationHeader, header: EvaluationHeader): void {
  const comparable = ({ id: _id, grappaVersion: _version, ...rest }: EvaluationHeader): unknown => rest;
  const changes = changedFields(comparable(earlier), comparable(header));
  if (changes.length === 0) return;
  const onlyGrader = changes.every((field) => field === "graderVersion");
  throw new AppError("run-changed", `${folder}: holds another evaluation; different: ${changes.join(", ")}`, {
    hint: onlyGrader
      ? `begin anew with --out DIR; samples that are there can be graded again: grappa rescore ${basename(folder)}`
      : "give the flags that began it, or --out DIR for another evaluation",
    data: { folder, changes },
  });
}

/**
 * Every sample of an evaluation, streamed in the order in which it was written; a last line that is being written, or
 * was cut off by a crash, is left out.
 *
 * @param scoring verdicts of a rescoring to put in the place of the first ones; see {@link readScores}.
 */
export async function* readSamples(
  fs: FileSystem,
  folder: string,
  scoring?: ReadonlyMap<string, RescoredSample>,
): AsyncGenerator<EvaluationSample> {
  const path = joinPath(folder, SAMPLES);
  if ((await fs.kind(path)) !== "file") return;
  for await (const sample of readJsonl(path, EvaluationSample, { unterminated: "skip" })) {
    const again = scoring?.get(sampleKey(sample));
    yield again === undefined
      ? sample
      : { ...sample, verdict: again.verdict, graderVersion: again.graderVersion, sandbox: again.sandbox };
  }
}

/** Keys of the samples that are written, also while another process writes. */
export async function doneSamples(fs: FileSystem, folder: string): Promise<Set<string>> {
  const done = new Set<string>();
  for await (const sample of readSamples(fs, folder)) done.add(sampleKey(sample));
  return done;
}

/** How often an evaluation was rescored; 0 if never. */
async function lastRescoring(fs: FileSystem, folder: string): Promise<number> {
  const numbers = (await fs.names(folder)).flatMap((name) => SCORES.exec(name)?.[1] ?? []);
  return Math.max(0, ...numbers.map(Number));
}

/** The verdicts of the newest rescoring by sample; undefined if there was none. */
export async function readScores(fs: FileSystem, folder: string): Promise<Map<string, RescoredSample> | undefined> {
  const last = await lastRescoring(fs, folder);
  if (last === 0) return undefined;
  const scores = new Map<string, RescoredSample>();
  for await (const score of readJsonl(joinPath(folder, `scores-${last}.jsonl`), RescoredSample))
    scores.set(sampleKey(score), score);
  return scores;
}

/** Writes a rescoring whole, under the next free number; gives its file's name. */
export async function writeScores(
  fs: FileSystem,
  folder: string,
  scores: AsyncIterable<RescoredSample>,
): Promise<string> {
  const name = `scores-${(await lastRescoring(fs, folder)) + 1}.jsonl`;
  const writer = await fs.openWriter(joinPath(folder, name));
  try {
    for await (const score of scores) await writer.write(`${JSON.stringify(score)}\n`);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.close();
  return name;
}

/** Writes what the evaluation found and its picture; the summary last, so that it stands for completion. */
export async function writeSummary(
  fs: FileSystem,
  folder: string,
  { summary, chartSvg }: { readonly summary: unknown; readonly chartSvg: string },
): Promise<void> {
  await fs.writeAtomic(joinPath(folder, CHART), chartSvg);
  await writeJson(fs, joinPath(folder, SUMMARY), summary);
}

/** Takes summary and picture back while samples are missing. */
export async function removeSummary(fs: FileSystem, folder: string): Promise<void> {
  await fs.remove(joinPath(folder, SUMMARY));
  await fs.remove(joinPath(folder, CHART));
}

/** Keeps what this process measured. */
export async function appendSpeed(folder: string, speed: EvaluationSpeed): Promise<void> {
  const log = await AppendLog.open(joinPath(folder, SPEED));
  try {
    await log.append(speed);
  } finally {
    await log.close();
  }
}

/** What all processes measured together; null where none was measured. */
export async function readSpeed(fs: FileSystem, folder: string): Promise<EvaluationSpeed | null> {
  const path = joinPath(folder, SPEED);
  if ((await fs.kind(path)) !== "file") return null;
  const sum: EvaluationSpeed = { schemaVersion: SCHEMA_VERSION, seconds: 0, generatedTokens: 0 };
  for await (const { seconds, generatedTokens } of readJsonl(path, EvaluationSpeed, { unterminated: "skip" })) {
    sum.seconds += seconds;
    sum.generatedTokens += generatedTokens;
  }
  return sum.generatedTokens === 0 ? null : sum;
}

/** Throws "file-missing" while samples are missing: what came first is no fair sample of what was asked. */
export async function requireComplete(fs: FileSystem, folder: string): Promise<void> {
  if ((await fs.kind(joinPath(folder, SUMMARY))) === "file") return;
  const origin = await readOrigin(fs, folder);
  throw new AppError("file-missing", `${folder}: the evaluation is not finished`, {
    hint: origin === undefined ? "go on with the command that began it" : `go on with it: ${origin.command}`,
    data: { folder },
  });
}

/** Keeps which of the task's questions the model was trained on. */
export async function writeContamination(fs: FileSystem, folder: string, found: Contamination): Promise<void> {
  await writeJson(fs, joinPath(folder, CONTAMINATION), found);
}

/** The same; undefined where nothing was checked. */
export async function readContamination(fs: FileSystem, folder: string): Promise<Contamination | undefined> {
  const path = joinPath(folder, CONTAMINATION);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_CONTAMINATION_BYTES), Contamination, path);
}
