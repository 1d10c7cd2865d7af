/**
 * @file The files of one try of a job on this machine, `JOB/try-N/`: `claim.json` by the launcher that starts it,
 * `supervisor.json` and `child.json` by the process that watches over it, `cancel` by whoever wants its end, `end.json` last.
 * What they say together is where the job stands, whoever of them all is still alive.
 */
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { fileError } from "../file-error.ts";
import { nodeFileSystem } from "../file-system.ts";
import { nodeProcessTable, type ProcessIdentity } from "../process-table.ts";
import { markedProcesses } from "./job-processes.ts";
import type { JobStatus } from "./launcher.ts";

const Identity = z.object({ pid: z.int().min(1), host: z.string(), birth: z.string() });
const Claim = z.object({
  launcher: Identity,
  /** Marks the job's processes. */
  mark: z.string().regex(/^[0-9a-f]+$/),
  gpus: z.int().min(0),
  claimedAt: z.number(),
});
const Started = z.object({ identity: Identity, startedAt: z.number() });
const End = z.object({
  reason: z.enum(["exited", "cancelled", "timed-out", "not-started"]),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  detail: z.string(),
  endedAt: z.number(),
});

/** What the launcher writes down before it starts anything. */
export type TryClaim = z.infer<typeof Claim>;
/** How a try ended. */
export type TryEnd = z.infer<typeof End>;

/** Names of a try's files. */
export const TRY_FILES = {
  claim: "claim.json",
  supervisor: "supervisor.json",
  child: "child.json",
  cancel: "cancel",
  end: "end.json",
  log: "log",
} as const;

const MAX_RECORD_BYTES = 65_536;
/** How often a supervisor touches its file, for those who look from another machine. */
export const HEARTBEAT_MS = 5000;
const MAX_SILENCE_MS = 60_000;

/** Numbers of a job's tries, rising; none where there is no such job. */
export async function triesOf(jobFolder: string): Promise<number[]> {
  const names = await readdir(jobFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw fileError(jobFolder, error);
  });
  return names
    .flatMap((name) => /^try-([1-9]\d{0,5})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Folder of a try. */
export const tryFolder = (jobFolder: string, number: number): string => join(jobFolder, `try-${number}`);

/** Who launched a try, with what; undefined where that was never written whole. */
export async function readClaim(folder: string): Promise<TryClaim | undefined> {
  return await readRecord(join(folder, TRY_FILES.claim), Claim);
}

/** The watcher or the job's first process, as they wrote it down. */
export async function readStarted(
  folder: string,
  who: "supervisor" | "child",
): Promise<{ readonly identity: ProcessIdentity; readonly startedAt: number } | undefined> {
  return await readRecord(join(folder, TRY_FILES[who]), Started);
}

/** How a try ended; undefined where nobody wrote that down. */
export async function readEnd(folder: string): Promise<TryEnd | undefined> {
  return await readRecord(join(folder, TRY_FILES.end), End);
}

/** Writes how a try ended, if nobody has: the first word counts. False: somebody had. */
export async function writeEnd(folder: string, end: TryEnd): Promise<boolean> {
  return await nodeFileSystem().createExclusive(join(folder, TRY_FILES.end), `${JSON.stringify(end)}\n`);
}

/** Asks a try's supervisor for its end; the signal that follows makes it look. */
export async function askForEnd(folder: string): Promise<void> {
  await writeFile(join(folder, TRY_FILES.cancel), "");
}

/** Whether somebody asked for its end. */
export async function isCancelled(folder: string): Promise<boolean> {
  return await stat(join(folder, TRY_FILES.cancel)).then(
    () => true,
    () => false,
  );
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(path, error);
  }
  try {
    if (text.length <= MAX_RECORD_BYTES) return schema.parse(JSON.parse(text));
  } catch {
    // told below
  }
  throw new AppError("file-corrupt", `${path}: this is no record of a job`, {
    hint: "remove the job's folder; its outputs are in `out`",
  });
}

/** Where a try stands. */
export async function tryStatus(folder: string): Promise<JobStatus> {
  const claim = await readClaim(folder);
  const started = await readStarted(folder, "child");
  const facts = { startedAt: started?.startedAt ?? null, gpus: claim?.gpus ?? null };
  const open = { ...facts, endedAt: null, exitCode: null };
  const end = await readEnd(folder);
  if (end !== undefined) return endStatus(end, facts);
  const alive = await livingPart(folder, claim);
  if (alive === "launcher") return { ...open, state: "queued", detail: "being prepared" };
  if (alive === "supervisor") return { ...open, state: "running", detail: "running on this machine" };
  if (alive === "orphans")
    return { ...open, state: "running", detail: "running, but the process that watched over it was killed" };
  // It may have ended between the two looks.
  const late = await readEnd(folder);
  if (late !== undefined) return endStatus(late, facts);
  const detail = "ended without a word: it was killed with all that belongs to it, or the machine was restarted";
  return { ...open, state: (await isCancelled(folder)) ? "cancelled" : "failed", detail };
}

async function livingPart(
  folder: string,
  claim: TryClaim | undefined,
): Promise<"launcher" | "supervisor" | "orphans" | undefined> {
  const processes = nodeProcessTable();
  const supervisor = await readStarted(folder, "supervisor");
  if (supervisor === undefined) return claim && processes.isAlive(claim.launcher) ? "launcher" : undefined;
  const isHere = supervisor.identity.host === processes.self.host;
  if (isHere ? processes.isAlive(supervisor.identity) : await isFresh(join(folder, TRY_FILES.supervisor)))
    return "supervisor";
  const child = await readStarted(folder, "child");
  if (isHere && child && processes.isAlive(child.identity)) return "orphans";
  return claim && markedProcesses(claim.mark).length > 0 ? "orphans" : undefined;
}

/** Whether a supervisor of another machine, or of this one under another name, gave a sign of life lately. */
async function isFresh(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && Date.now() - facts.mtimeMs < MAX_SILENCE_MS;
}

function endStatus(end: TryEnd, facts: Pick<JobStatus, "startedAt" | "gpus">): JobStatus {
  const state =
    end.reason === "cancelled" || end.reason === "timed-out"
      ? end.reason
      : end.reason === "exited" && end.exitCode === 0
        ? "succeeded"
        : "failed";
  return { ...facts, state, detail: end.detail, endedAt: end.endedAt, exitCode: end.exitCode };
}
