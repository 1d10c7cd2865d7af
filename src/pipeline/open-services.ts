/** @file The wiring of a run: engine, facts and the nine stages. */
import { readModelFolder } from "../adapters/model-folder.ts";
import { type EngineHost, openEngine } from "../adapters/engine/open-engine.ts";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import type { RunFact } from "../schema/manifest.ts";
import { describeBase } from "./base-fact.ts";
import { describeKernels } from "./kernel-fact.ts";
import type { OpenServicesOptions, RunServices } from "./services.ts";
import type { Stage } from "./stage.ts";
import { attemptStage } from "./stages/attempt.ts";
import { collectStage } from "./stages/collect.ts";
import type { EngineProvider } from "./stages/engine-provider.ts";
import { evaluateStage } from "./stages/evaluate.ts";
import { gradeStage } from "./stages/grade.ts";
import { reportStage } from "./stages/report.ts";
import { selectStage } from "./stages/select.ts";
import { tokenizeStage } from "./stages/tokenize.ts";
import { traceStage } from "./stages/trace.ts";
import { trainStage } from "./stages/train.ts";

/** Linear memory of the engine: the demo's student needs a tenth of it; untouched pages cost nothing. */
const ENGINE_BYTES = 1 << 30;

/** All nine stages over one engine. */
export function buildStages(engine: EngineProvider, secrets: (name: string) => string | undefined): Stage[] {
  return [
    collectStage(),
    attemptStage(engine),
    traceStage(secrets),
    gradeStage(),
    selectStage(),
    tokenizeStage(),
    trainStage(engine),
    evaluateStage(engine),
    reportStage(),
  ];
}

/**
 * Opens what a run needs: checks the base, starts the engine, and finds out what the stages' outputs depend on.
 *
 * @throws AppError "model-missing", "checkpoint-corrupt", "tokenizer-corrupt" about the base; "engine".
 */
export async function openServices({ baseFolder, threads, fs, secrets }: OpenServicesOptions): Promise<RunServices> {
  const base = await readModelFolder(baseFolder);
  const engine: EngineHost = await openEngine({ threads, memoryBytes: ENGINE_BYTES });
  try {
    const info = await engine.describe();
    const facts: Partial<Record<RunFact, string>> = {
      baseWeights: describeBase(base),
      tokenizer: base.tokenizerHash,
      chatTemplate: await templateHash(fs, baseFolder, base.tokenizerHash),
      kernelBuild: await describeKernels(info.kernelBuild),
    };
    return {
      stages: buildStages(() => Promise.resolve(engine), secrets),
      facts,
      notes: info.notes,
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Hash of the chat template; of the tokenizer's files where it stands among them. */
async function templateHash(fs: FileSystem, folder: string, tokenizerHash: string): Promise<string> {
  const path = joinPath(folder, "chat_template.jinja");
  return (await fs.kind(path)) === "file" ? (await fs.digest(path)).sha256 : tokenizerHash;
}
