import type { FileSystem } from "../adapters/file-system.ts";
import type { StageManifest, StageName } from "../schema/manifest.ts";
import { orderStages } from "./run-pipeline.ts";
import type { RunRequest } from "./run-request.ts";
import { identifyStage } from "./stage.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";

/** What a run would do with one stage. */
export interface PlannedStage {
  readonly stage: StageName;
  /** "later": its key depends on outputs that do not exist yet. */
  readonly status: "done" | "run" | "resume" | "run-again" | "later";
  /** Undefined while status is "later". */
  readonly key: string | undefined;
  readonly work: string;
  readonly manifest: StageManifest | undefined;
}

/** What `runPipeline` would do, found out without changing anything. */
export async function planRun(request: Omit<RunRequest, "signal">, fs: FileSystem): Promise<PlannedStage[]> {
  const outputs: Partial<Record<StageName, string>> = {};
  const planned: PlannedStage[] = [];
  for (const stage of orderStages(request.stages)) {
    const work = stage.plan(request.recipe);
    const isKnown = stage.inputs.every((input) => outputs[input] !== undefined);
    if (!isKnown) {
      planned.push({ stage: stage.name, status: "later", key: undefined, work, manifest: undefined });
      continue;
    }
    const { key } = identifyStage(stage, request.recipe, { facts: request.facts, inputs: outputs });
    const state = await inspectStage(fs, stageFolder(request.folder, stage.name, key), request.verification ?? "sizes");
    const manifest = state.status === "done" ? state.manifest : undefined;
    if (manifest) outputs[stage.name] = manifest.outputHash;
    planned.push({ stage: stage.name, status: STATUS[state.status], key, work, manifest });
  }
  return planned;
}

const STATUS = { done: "done", absent: "run", unfinished: "resume", damaged: "run-again" } as const;
