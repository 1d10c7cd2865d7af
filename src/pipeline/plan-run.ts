import type { FileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { Recipe } from "../schema/recipe.ts";
import { STAGE_NAMES, type StageManifest, type StageName } from "../schema/manifest.ts";
import { orderStages } from "./order-stages.ts";
import type { RunRequest } from "./run-request.ts";
import { identifyStage, inputsOf, type Stage } from "./stage.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";
import { readVerdicts, triageFact } from "./triage-file.ts";

/** What a run would do with one stage. */
export interface PlannedStage {
  readonly stage: StageName;
  /** "later": its key depends on outputs that do not exist yet. */
  readonly status: "done" | "run" | "resume" | "run-again" | "later";
  /** Undefined while status is "later". */
  readonly key: string | undefined;
  readonly work: string;
  readonly manifest: StageManifest | undefined;
  /** What would stop it, as far as that is known before it runs; undefined for a stage that is done. */
  readonly obstacle: AppError | undefined;
}

/** What `runPipeline` would do, found out without changing anything. */
export async function planRun(request: Omit<RunRequest, "signal">, fs: FileSystem): Promise<PlannedStage[]> {
  const outputs: Partial<Record<StageName, string>> = {};
  const planned: PlannedStage[] = [];
  for (const stage of orderStages(request.stages, request.recipe)) {
    const one = await planStage(stage, request, { fs, outputs });
    if (one.manifest) outputs[stage.name] = one.manifest.outputHash;
    planned.push({ ...one, obstacle: one.manifest ? undefined : await obstacleOf(stage, request.recipe) });
  }
  return planned;
}

interface Known {
  readonly fs: FileSystem;
  /** Output hashes of the stages that are done. */
  readonly outputs: Partial<Record<StageName, string>>;
}

async function planStage(
  stage: Stage,
  request: Omit<RunRequest, "signal">,
  { fs, outputs }: Known,
): Promise<Omit<PlannedStage, "obstacle">> {
  const plain = { stage: stage.name, work: stage.plan(request.recipe), manifest: undefined };
  if (!inputsOf(stage, request.recipe).every((input) => outputs[input] !== undefined))
    return { ...plain, status: "later", key: undefined };
  const triage = stage.heedsTriage === true ? triageFact(await readVerdicts(fs, request.folder)) : {};
  const facts = { ...request.facts, ...triage };
  const { key } = identifyStage(stage, request.recipe, { facts, inputs: outputs });
  if (isForgotten(stage.name, request)) return { ...plain, status: "run", key };
  const state = await inspectStage(fs, stageFolder(request.folder, stage.name, key), request.verification ?? "sizes");
  if (state.status === "done") return { ...plain, status: "done", key, manifest: state.manifest };
  return { ...plain, status: STATUS[state.status], key };
}

/** Whether the run begins by throwing the stage's output away. */
function isForgotten(stage: StageName, { from, isFresh = false }: Pick<RunRequest, "from" | "isFresh">): boolean {
  return isFresh || (from !== undefined && STAGE_NAMES.indexOf(stage) >= STAGE_NAMES.indexOf(from));
}

async function obstacleOf(stage: Stage, recipe: Recipe): Promise<AppError | undefined> {
  try {
    await stage.check?.(recipe);
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const STATUS = { absent: "run", unfinished: "resume", damaged: "run-again" } as const;
