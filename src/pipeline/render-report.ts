/** @file From a finished run's folder to its pages: what the stages found, with the times, machine and command around it. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { htmlReport } from "../report/html-report.ts";
import { type Spending, spentIn, type SpendingSums, sumSpending } from "../ledger/spending.ts";
import type { AccountSpending } from "../schema/result.ts";
import { type LiveStudent, MAX_PAGE_BYTES } from "../report/live-student.ts";
import { markdownReport } from "../report/markdown-report.ts";
import type { ControlResults, MachineFacts, RunResults, StageCost } from "../report/run-results.ts";
import { runSummary } from "../report/run-summary.ts";
import { terminalSummary } from "../report/terminal-summary.ts";
import type { ControlsRecord } from "../schema/controls.ts";
import type { RunManifest, StageName, Timing } from "../schema/manifest.ts";
import { studentsToCarry } from "./carry-student.ts";
import { type Findings, FindingsFile } from "./findings.ts";
import { parseRecord } from "./parse-record.ts";
import { readControls } from "./run-controls.ts";
import { readPurchases } from "./run-spending.ts";
import { readEvents, readHeader, readRunManifest, readTimings } from "./run-folder.ts";
import type { RenderedReport, RenderOptions } from "./services.ts";
import { stageFolder } from "./stage-folder.ts";
import { stageSeconds } from "./stage-seconds.ts";

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Writes report.html, report.md and result.json into a complete run's folder.
 *
 * @throws AppError "file-missing" while the run is not complete.
 */
export async function renderReport({ fs, folder }: RenderOptions): Promise<RenderedReport> {
  const { manifest, ...results } = await readRun(fs, folder);
  const html = joinPath(folder, "report.html");
  const summary = runSummary(results);
  await fs.writeAtomic(html, pageThatFits(results, await studentsToCarry({ fs, folder, manifest, results })));
  await fs.writeAtomic(joinPath(folder, "report.md"), markdownReport(results));
  await fs.writeAtomic(joinPath(folder, "result.json"), `${JSON.stringify(summary, null, 2)}\n`);
  return { summary, lines: terminalSummary(results), html };
}

/** The page with the best of what it may carry that keeps it within its limit; the last is carried in any case. */
function pageThatFits(results: RunResults, lives: readonly LiveStudent[]): string {
  let page = "";
  for (const live of lives) {
    page = htmlReport(results, live);
    if (Buffer.byteLength(page) <= MAX_PAGE_BYTES) return page;
  }
  return page;
}

/** Everything the report shows, from a complete run's folder. */
export async function readResults(fs: FileSystem, folder: string): Promise<RunResults> {
  const { manifest: _manifest, ...results } = await readRun(fs, folder);
  return results;
}

async function readRun(fs: FileSystem, folder: string): Promise<RunResults & { readonly manifest: RunManifest }> {
  const manifest = await readRunManifest(fs, folder);
  const header = await readHeader(fs, folder);
  if (!manifest || !header) {
    throw new AppError("file-missing", `${folder}: the run is not finished, so there is nothing to report`, {
      hint: header ? `go on with it: ${header.command}` : "`grappa demo` makes a run",
    });
  }
  const findings = await readFindings(fs, folder, manifest);
  const timings = await readTimings(fs, folder);
  const keys = Object.fromEntries(manifest.stages.map(({ stage, key }) => [stage, key]));
  const seconds = stageSeconds(keys, timings, await readEvents(fs, folder));
  const controls = await readControls(fs, folder, hashOf(manifest, "evaluate"));
  const spending = sumSpending(await readPurchases(fs, folder));
  const { schemaVersion: _version, costs, ...shown } = findings;
  return {
    ...shown,
    manifest,
    runId: manifest.run,
    recipe: manifest.recipe,
    seconds: [...seconds.values()].reduce((sum, one) => sum + one, 0),
    spentUsd: spending.spentMicroUsd / 1_000_000,
    accounts: accountsOf(spending),
    controls: controls ? withSeconds(controls, timings) : null,
    spentBasis: basisOf(spending.total),
    ledger: [...costs, REPORT_COST].map((cost) => ({
      ...cost,
      ...spentOn(cost.stage, spending),
      seconds: seconds.get(cost.stage) ?? 0,
    })),
    machine: machineOf(timings, manifest),
    reproduction: {
      command: header.command,
      grappaVersion: manifest.tools.grappa ?? "unknown",
      hashes: hashesOf(manifest),
    },
  };
}

function hashOf({ stages }: RunManifest, name: StageName): string | undefined {
  return stages.find(({ stage }) => stage === name)?.outputHash;
}

/** What the controls found, with the time of all tries at the stages that only they needed. */
function withSeconds({ rows, skipped, stages }: ControlsRecord, timings: readonly Timing[]): ControlResults {
  const keys = new Set(stages.map(({ key }) => key));
  const seconds = timings.reduce((sum, timing) => sum + (keys.has(timing.key) ? timing.seconds : 0), 0);
  return { rows, skipped, seconds };
}

const REPORT_COST = {
  stage: "report",
  inputTokens: 0,
  outputTokens: 0,
  tokensBasis: "measured",
  costUsd: 0,
  costBasis: "measured",
} as const;

async function readFindings(fs: FileSystem, folder: string, { stages }: RunManifest): Promise<Findings> {
  const report = stages.find(({ stage }) => stage === "report");
  if (!report) throw new AppError("file-missing", `${folder}: the run has no report stage`);
  const path = joinPath(stageFolder(folder, "report", report.key), "findings.json");
  return parseRecord(await fs.readText(path, MAX_FILE_BYTES), FindingsFile, path);
}

/** Accounts that are not called like the stage that spends from them. */
const SPENDER: Readonly<Record<string, string>> = { judge: "grade" };

/** The journal's sums by account, in the order in which they first spent. */
function accountsOf({ rows }: Spending): AccountSpending[] {
  const accounts = [...new Set(rows.map(({ account }) => account))];
  return accounts.map((account) => {
    const own = rows.filter((row) => row.account === account);
    const sum = (name: keyof SpendingSums): number => own.reduce((total, row) => total + row[name], 0);
    return {
      account,
      calls: sum("calls"),
      freeCalls: sum("freeCalls"),
      promptTokens: sum("promptTokens"),
      completionTokens: sum("completionTokens"),
      measuredUsd: sum("measuredMicroUsd") / 1_000_000,
      estimatedUsd: sum("estimatedMicroUsd") / 1_000_000,
      unknownUsd: sum("unknownMicroUsd") / 1_000_000,
    };
  });
}

/** What a stage has paid to others, replies that came to nothing included; its own costs where the journal knows none. */
function spentOn(stage: StageName, { rows }: Spending): Partial<Pick<StageCost, "costUsd" | "costBasis">> {
  const own = rows.filter(({ account }) => (SPENDER[account] ?? account) === stage);
  if (own.length === 0) return {};
  const micro = own.reduce((total, row) => total + spentIn(row), 0);
  const isMeasured = own.every((row) => basisOf(row) === "measured");
  return { costUsd: micro / 1_000_000, costBasis: isMeasured ? "measured" : "estimated" };
}

function basisOf({ estimatedMicroUsd, unknownMicroUsd }: SpendingSums): "measured" | "estimated" {
  return estimatedMicroUsd > 0 || unknownMicroUsd > 0 ? "estimated" : "measured";
}

/** The machine that trained; where the stages ran on several, that is the one that matters most. */
function machineOf(timings: readonly Timing[], { facts, stages }: RunManifest): MachineFacts {
  const key = stages.find(({ stage }) => stage === "train")?.key;
  const machine = (timings.filter((timing) => timing.key === key).at(-1) ?? timings.at(-1))?.machine ?? {};
  return {
    cpu: String(machine.cpu ?? "unknown"),
    cores: Number(machine.cores ?? 0),
    threads: Number(machine.threads ?? 0),
    memoryBytes: Number(machine.memoryBytes ?? 0),
    platform: String(machine.platform ?? "unknown"),
    nodeVersion: String(machine.nodeVersion ?? "unknown"),
    kernels: facts.kernelBuild ?? "unknown",
  };
}

function hashesOf({ facts, stages }: RunManifest): { name: string; hash: string }[] {
  const named: [string, string | undefined][] = [
    ["base weights", facts.baseWeights],
    ["tokenizer", facts.tokenizer],
    ["chat template", facts.chatTemplate],
    ...stages.map(({ stage, outputHash }): [StageName, string] => [stage, outputHash]),
  ];
  return named.flatMap(([name, hash]) => (hash === undefined ? [] : [{ name, hash: hash.slice(0, 16) }]));
}
