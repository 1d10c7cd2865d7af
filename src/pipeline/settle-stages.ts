import type { StageManifest, StageName } from "../schema/manifest.ts";
import type { RunAccounts } from "./run-accounts.ts";
import { type PipelinePorts, type RunRequest, throwIfInterrupted } from "./run-request.ts";
import { runStage } from "./run-stage.ts";
import { identifyStage, inputsOf, type Stage } from "./stage.ts";
import { readVerdicts, triageFact } from "./triage-file.ts";
import { clearWork, inspectStage, stageFolder } from "./stage-folder.ts";

/** What settling needs beside the request. */
export interface Settling {
  readonly ports: PipelinePorts;
  /** Called before a stage runs that is not done. */
  readonly beforeRun: () => Promise<void>;
  /** The run's accounts: one for all stages. */
  readonly accounts: () => Promise<RunAccounts>;
}

/**
 * Sees to it that each stage is done: skips those with a manifest at their key, runs the others. Returns their manifests,
 * in order. Stages must come after those that they read. Throws what a stage throws; what was finished stays finished.
 */
export async function settleStages(
  stages: readonly Stage[],
  request: RunRequest,
  settling: Settling,
): Promise<StageManifest[]> {
  const done = new Map<StageName, StageManifest>();
  for (const stage of stages) {
    throwIfInterrupted(request.signal);
    done.set(stage.name, await settleStage(stage, request, { ...settling, done }));
  }
  return [...done.values()];
}

interface Progress extends Settling {
  readonly done: ReadonlyMap<StageName, StageManifest>;
}

/** A stage's manifest: the one found, or that of running it now. */
async function settleStage(
  stage: Stage,
  request: RunRequest,
  { ports, beforeRun, accounts, done }: Progress,
): Promise<StageManifest> {
  const inputs = Object.fromEntries(
    inputsOf(stage, request.recipe).map((name) => [name, done.get(name)?.outputHash ?? ""]),
  );
  // Read once, now: what is decided while the stage runs is for the next time.
  const verdicts = stage.heedsTriage === true ? await readVerdicts(ports.fs, request.folder) : [];
  const facts = { ...request.facts, ...triageFact(verdicts) };
  const identity = identifyStage(stage, request.recipe, { facts, inputs });
  const folder = stageFolder(request.folder, stage.name, identity.key);
  const state = await inspectStage(ports.fs, folder, request.verification ?? "sizes");
  if (state.status === "done") {
    await clearWork(ports.fs, folder);
    ports.observe({ type: "stage-skip", stage: stage.name, key: identity.key });
    return state.manifest;
  }
  if (state.status === "damaged")
    ports.observe({ type: "warning", stage: stage.name, message: `${state.reason}; running the stage again` });
  await beforeRun();
  const isResumed = state.status === "unfinished";
  return await runStage(stage, request, { ports, accounts, done, identity, folder, isResumed, verdicts });
}
