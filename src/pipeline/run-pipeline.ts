/**
 * @file Runs the stages in order over a run folder. A stage with a manifest at its key is skipped; one without is run,
 * and its manifest written last. So a run that was killed anywhere, then finished, gives the same bytes as one that was
 * not. All I/O comes in through ports.
 */
import { basename } from "node:path";
import { microUsdFromUsd } from "../ledger/money.ts";
import type { AppError } from "../core/errors.ts";
import { type RunManifest, STAGE_NAMES, type StageManifest, type StageName } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import { orderStages } from "./order-stages.ts";
import { keepAcceptedTerms } from "./accepted-terms.ts";
import { oneObstacle } from "./obstacles.ts";
import { type PlannedStage, planRun } from "./plan-run.ts";
import { keepAccounts, type RunAccounts } from "./run-accounts.ts";
import { journalFolder, openRun, removeRunManifest, writeRunManifest } from "./run-folder.ts";
import { recordEvents } from "./run-journal.ts";
import type { PipelinePorts, RunRequest } from "./run-request.ts";
import { settleStages } from "./settle-stages.ts";
import { forgetStages } from "./stage-folder.ts";

/** What came of a run. */
export interface RunOutcome {
  readonly folder: string;
  /** Manifests of the stages that are done, in order. */
  readonly manifests: readonly StageManifest[];
  /** False when `until` stopped it before the last stage. */
  readonly isComplete: boolean;
}

/**
 * Runs what is not done yet.
 *
 * @throws AppError "interrupted" when the signal aborts; "run-locked", "run-changed", "schema-version" and "disk-full" as
 *   their causes say; whatever a stage throws. In every case what was finished stays finished. What would stop a later
 *   stage (its key is not set, its price not known) is thrown before the first one runs and before anything is written.
 */
export async function runPipeline(request: RunRequest, ports: PipelinePorts): Promise<RunOutcome> {
  const stages = orderStages(request.stages, request.recipe);
  await refuseObstacles(request, ports);
  const { folder, recipe, from } = request;
  const { mayChange = false, isFresh = false, command, tools } = request;
  const options = { folder, recipe, version: tools.grappa ?? "unknown", command, mayChange, isFresh };
  const lock = await openRun(ports.fs, ports.processes, options);
  const journal = recordEvents(ports, folder);
  const keeper = keepAccounts({
    journalFolder: journalFolder(folder),
    capMicroUsd: microUsdFromUsd(recipe.maxUsd),
    warn: (message) => journal.observe({ type: "warning", message }),
  });
  try {
    await keepAcceptedTerms(ports.fs, folder, [...(request.acceptedTerms ?? [])]);
    if (request.retryFailed === true) await forgetFailures(ports.fs, request);
    if (from !== undefined) await forgetStages(ports.fs, folder, STAGE_NAMES.slice(STAGE_NAMES.indexOf(from)));
    const outcome = await runStages({ ...request, stages }, { ...ports, observe: journal.observe }, keeper.accounts);
    await journal.flush();
    return outcome;
  } finally {
    // The first error is the one to report; a journal that cannot be written after it adds nothing.
    await journal.flush().catch(() => undefined);
    await keeper.close();
    await lock.release();
  }
}

/** Throws what would stop a stage that is still to run: minutes of work before it would not be lost, but waited for. */
async function refuseObstacles(request: RunRequest, { fs }: PipelinePorts): Promise<void> {
  const planned = await planRun({ ...request, verification: "sizes" }, fs);
  const obstacle = obstaclesUpTo(planned, request.until);
  if (obstacle !== undefined) throw obstacle;
}

/** A trace stage that gave rows up runs again, and asks for them; one that gave none up stays. */
async function forgetFailures(fs: PipelinePorts["fs"], request: RunRequest): Promise<void> {
  const planned = await planRun({ ...request, verification: "sizes" }, fs);
  const trace = planned.find(({ stage }) => stage === "trace")?.manifest;
  const hasFailures = trace?.files.some(({ path, rows }) => path === "failed.jsonl" && (rows ?? 0) > 0) ?? false;
  if (hasFailures) await forgetStages(fs, request.folder, ["trace"]);
}

/** All that would stop the stages up to the last one wanted, in one error; undefined when nothing would. */
export function obstaclesUpTo(planned: readonly PlannedStage[], until: StageName = "report"): AppError | undefined {
  const last = STAGE_NAMES.indexOf(until);
  return oneObstacle(
    planned.flatMap(({ stage, obstacle }) =>
      obstacle !== undefined && STAGE_NAMES.indexOf(stage) <= last ? [obstacle] : [],
    ),
  );
}

async function runStages(
  request: RunRequest,
  ports: PipelinePorts,
  accounts: () => Promise<RunAccounts>,
): Promise<RunOutcome> {
  const { folder, stages, until } = request;
  const run = basename(folder);
  const wanted =
    until === undefined ? stages : stages.filter(({ name }) => STAGE_NAMES.indexOf(name) <= STAGE_NAMES.indexOf(until));
  ports.observe({ type: "run-start", run, stages: wanted.map(({ name }) => name) });
  const manifests = await settleStages(wanted, request, {
    ports,
    accounts,
    // The run's manifest vouches for its stages: it goes before one of them changes.
    beforeRun: () => removeRunManifest(ports.fs, folder),
  });
  const isComplete = wanted.length === stages.length;
  if (isComplete) await writeRunManifest(ports.fs, folder, describeRun(request, manifests));
  ports.observe({ type: "run-end", run, isComplete });
  return { folder, manifests, isComplete };
}

function describeRun(request: RunRequest, manifests: readonly StageManifest[]): RunManifest {
  return {
    schemaVersion: SCHEMA_VERSION,
    run: basename(request.folder),
    recipe: request.recipe,
    seeds: { recipe: request.recipe.seed },
    tools: { ...request.tools },
    facts: request.facts,
    ...(request.acceptedTerms === undefined || request.acceptedTerms.length === 0
      ? {}
      : { acceptedTerms: [...request.acceptedTerms] }),
    stages: manifests.map(({ stage, key, outputHash }) => ({ stage, key, outputHash })),
  };
}
