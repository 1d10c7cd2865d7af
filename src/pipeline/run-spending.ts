/** @file Where the money of a run went, by its journal; and the end of what was in flight when it crashed. */
import { basename, dirname } from "node:path";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { type JournalPurchase, readJournal } from "../adapters/journal/journal-pass.ts";
import { RequestJournal } from "../adapters/journal/request-journal.ts";
import type { ProcessTable } from "../adapters/process-table.ts";
import { readJsonl } from "../adapters/store/jsonl.ts";
import { AppError } from "../core/errors.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import { type Spending, spreadBill, sumSpending, verifiedTraceMicroUsd } from "../ledger/spending.ts";
import { GradedTrace } from "../schema/records.ts";
import { readEvents, readHeader, readRecipe, readRunManifest } from "./run-folder.ts";
import { lockHolder, lockRun } from "./run-lock.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";
import { readUnderWay, type UnderWay } from "./under-way.ts";

/** What touching a run's money needs. */
export interface SpendingPorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
}

/** A request that no reply and nobody ended: it may have been billed. */
export interface OpenPurchase
  extends Pick<
    JournalPurchase,
    "key" | "purchase" | "account" | "provider" | "model" | "questionId" | "batch" | "worstCaseMicroUsd"
  > {
  /** As what it may still go on at the provider; null where it cannot. */
  readonly underWay: UnderWay | null;
}

/** Where the money of a run went. */
export interface RunSpending extends Spending {
  readonly run: string;
  /** Process that works on it now: what is open may be in flight. */
  readonly pid: number | null;
  /** Null where no recipe stands in the folder. */
  readonly capMicroUsd: number | null;
  readonly leftMicroUsd: number | null;
  readonly open: readonly OpenPurchase[];
  /** Null while nothing was graded. */
  readonly rightTraces: number | null;
  /** What a right trace came to, attempts, traces and judge together; null where there is none. */
  readonly rightTraceMicroUsd: number | null;
}

/** The journals of a run, of an evaluation, and of what `grappa trace` writes. */
const JOURNALS = ["journal/requests.jsonl", "requests.jsonl"] as const;

/** The journal in a folder; undefined where there is none. */
export async function findJournal(fs: FileSystem, folder: string): Promise<string | undefined> {
  for (const name of JOURNALS) if ((await fs.kind(joinPath(folder, name))) === "file") return joinPath(folder, name);
  return undefined;
}

/**
 * Reads where the money went; works while another process spends it.
 * @throws {AppError} "schema-version", "record-invalid", "file-corrupt": a file in the folder cannot be read.
 */
export async function readSpending({ fs, processes }: SpendingPorts, folder: string): Promise<RunSpending> {
  const purchases = await readPurchases(fs, folder);
  const spending = sumSpending(purchases);
  const header = await readHeader(fs, folder);
  const recipe = header === undefined ? undefined : await readRecipe(fs, folder);
  const rightTraces = await countRightTraces(fs, folder);
  const capMicroUsd = recipe === undefined ? null : microUsdFromUsd(recipe.maxUsd);
  return {
    run: header?.run ?? basename(folder),
    pid: (await lockHolder(fs, processes, folder))?.pid ?? null,
    capMicroUsd,
    leftMicroUsd: capMicroUsd === null ? null : Math.max(0, capMicroUsd - spending.spentMicroUsd),
    ...spending,
    open: await readOpen(fs, folder, purchases),
    rightTraces,
    rightTraceMicroUsd: verifiedTraceMicroUsd(spending, rightTraces ?? 0),
  };
}

/** Every purchase of the journal in a folder; none where there is no journal. */
export async function readPurchases(fs: FileSystem, folder: string): Promise<JournalPurchase[]> {
  const path = await findJournal(fs, folder);
  const purchases: JournalPurchase[] = [];
  if (path !== undefined) for await (const one of readJournal(path)) purchases.push(one);
  return purchases;
}

/** Those of the purchases of a folder that are open. */
async function readOpen(
  fs: FileSystem,
  folder: string,
  purchases: readonly JournalPurchase[],
): Promise<readonly OpenPurchase[]> {
  const path = await findJournal(fs, folder);
  if (path === undefined) return [];
  const underWay = await readUnderWay(dirname(path));
  return purchases
    .filter(({ outcome }) => outcome === "open")
    .map(({ key, purchase, account, provider, model, questionId, batch, worstCaseMicroUsd }) => {
      const origin = { account, provider, model, questionId, batch };
      return { key, purchase, ...origin, worstCaseMicroUsd, underWay: underWay({ account, provider, batch }) };
    });
}

/** Right traces by the newest grades of a run, or by those beside the traces of `grappa trace`. */
async function countRightTraces(fs: FileSystem, folder: string): Promise<number | null> {
  const path = (await newestGrades(fs, folder)) ?? joinPath(folder, "grades.jsonl");
  if ((await fs.kind(path)) !== "file") return null;
  let right = 0;
  for await (const { grade } of readJsonl(path, GradedTrace)) if (grade.outcome === "correct") right += 1;
  return right;
}

async function newestGrades(fs: FileSystem, folder: string): Promise<string | undefined> {
  const manifest = await readRunManifest(fs, folder);
  const isOfGrades = ({ stage, key }: { stage?: string | undefined; key?: string | undefined }): boolean =>
    stage === "grade" && key !== undefined;
  const key = (manifest?.stages.find(isOfGrades) ?? (await readEvents(fs, folder)).filter(isOfGrades).at(-1))?.key;
  if (key === undefined) return undefined;
  const grades = stageFolder(folder, "grade", key);
  return (await inspectStage(fs, grades, "sizes")).status === "done" ? joinPath(grades, "grades.jsonl") : undefined;
}

/** What a person says of what is open, having looked at the provider's bill. */
export interface Bill {
  /** What it came to, together; 0: nothing was billed. */
  readonly billedMicroUsd: number;
  /** A fine-tune or a job on rented GPUs, by its name, that has ended: it alone is meant. Absent: all that cannot be under way. */
  readonly job?: string;
}

/** What reconciling wrote. */
export interface Reconciliation {
  readonly run: string;
  readonly reconciled: readonly (OpenPurchase & { readonly billedMicroUsd: number })[];
  /** Left open, as they may go on at the provider. */
  readonly spared: readonly OpenPurchase[];
  /** What was counted before, and is counted now, for what was ended. */
  readonly worstCaseMicroUsd: number;
  readonly billedMicroUsd: number;
}

/**
 * Ends every open request of a run with what was billed for it: nothing, unless an amount is given, which is spread over
 * them. When there is none, nothing is written. Those in a batch that has not ended, fine-tunes and jobs, are left: the next
 * run takes their replies, and books their ends. The run is locked meanwhile.
 * @throws {AppError} "run-locked"; "file-missing": there is no journal; "usage": there is no such fine-tune; and what opening
 *   the journal throws.
 */
export async function reconcile(
  { fs, processes }: SpendingPorts,
  folder: string,
  { billedMicroUsd, job }: Bill,
): Promise<Reconciliation> {
  const path = await findJournal(fs, folder);
  if (path === undefined)
    throw new AppError("file-missing", `${folder}: nothing was bought there`, { data: { folder } });
  const lock = await lockRun(fs, processes, folder);
  try {
    const open = await readOpen(fs, folder, await readPurchases(fs, folder));
    const ended = open.filter(job === undefined ? ({ underWay }) => underWay === null : isOf(job));
    if (job !== undefined && ended.length === 0) throw noSuchJob(job, open);
    const worstCases = ended.map(({ worstCaseMicroUsd }) => worstCaseMicroUsd);
    const bills = spreadBill(billedMicroUsd, worstCases);
    const reconciled = ended.map((one, i) => ({ ...one, billedMicroUsd: bills[i] ?? 0 }));
    if (reconciled.length > 0) await writeReconciled(path, reconciled);
    return {
      run: basename(folder),
      reconciled,
      spared: open.filter((one) => one.underWay !== null && !ended.includes(one)),
      worstCaseMicroUsd: worstCases.reduce((sum, one) => sum + one, 0),
      billedMicroUsd: reconciled.reduce((sum, one) => sum + one.billedMicroUsd, 0),
    };
  } finally {
    await lock.release();
  }
}

const isOf =
  (job: string) =>
  ({ underWay, batch }: OpenPurchase): boolean =>
    hasName(underWay) && batch === job;

/** Fine-tunes and jobs have names by which one alone can be ended. */
const hasName = (underWay: UnderWay | null): boolean => underWay === "fine-tune" || underWay === "job";

function noSuchJob(job: string, open: readonly OpenPurchase[]): AppError {
  const names = [...new Set(open.filter(({ underWay }) => hasName(underWay)).map(({ batch }) => batch))];
  return new AppError("usage", `no fine-tune and no job "${job}" is open`, {
    hint: names.length === 0 ? "none is" : `give one of these: ${names.join(", ")}`,
    data: { job, open: names },
  });
}

async function writeReconciled(path: string, reconciled: Reconciliation["reconciled"]): Promise<void> {
  const journal = await RequestJournal.open(path);
  try {
    await Promise.all(reconciled.map((one) => journal.reconcile(one, one.billedMicroUsd)));
  } finally {
    await journal.close();
  }
}
