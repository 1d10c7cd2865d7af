/** @file Brings a trained student into the run's folder, checked and dressed, and writes down what its job was. */
import { join } from "node:path";
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import type { Launcher } from "../../../adapters/launchers/launcher.ts";
import { checkModelFiles } from "../../../adapters/model-files.ts";
import { dressModelFolder } from "../../../adapters/model-folder.ts";
import { AppError } from "../../../core/errors.ts";
import type { LaunchedJob } from "../../../schema/launched-job.ts";
import type { Recipe } from "../../../schema/recipe.ts";
import { SCHEMA_VERSION } from "../../../schema/records.ts";
import type { TrainingStory } from "../../../train/training-events.ts";
import type { StageContext } from "../../stage.ts";
import { studentCard } from "../student-card.ts";
import { patiently } from "./follow-job.ts";
import { isPaid } from "./job-money.ts";
import { utilisationNow } from "./launched-training.ts";
import { mergeAdapter } from "./merge-adapter.ts";
import type { FinishedJob, JobPorts } from "./run-job.ts";
import type { TrainingBundle } from "./training-bundle.ts";

/** A finished job, and how to reach it. */
export interface KeptFrom {
  readonly finished: FinishedJob;
  readonly launcher: Launcher;
  readonly story: TrainingStory;
  readonly bundle: TrainingBundle;
  readonly ports: JobPorts;
}

/** Adapters of a LoRA, beside the student that they were merged into. */
const ADAPTER = "adapter";

/**
 * Fetches the student to `student/` (and a LoRA's `adapter/`, merged here where the trainer had no memory for it), checks it,
 * and gives it the run's tokenizer and card.
 *
 * @throws {AppError} model-missing, checkpoint-corrupt: what was fetched is no whole student.
 */
export async function keepStudent(
  context: StageContext,
  { finished, launcher, story, bundle, ports }: KeptFrom,
): Promise<void> {
  const { output, recipe, baseFolder, progress, signal } = context;
  const { totalSteps } = bundle.job;
  progress({ done: totalSteps, total: totalSteps, unit: "steps", note: "fetching the student" });
  const from = insideOutput(story.end?.model ?? "");
  const folder = output.path("student");
  const fetch = (path: string, to: string) => patiently(() => launcher.fetch(finished.handle, path, to, signal), ports);
  const isMerged = recipe.train.method === "full" || from !== ADAPTER;
  if (!isMerged) await mergeHere(context, fetch, finished);
  else if (!(await fetch(from, folder))) throw leftNo(from, finished);
  else if (recipe.train.method !== "full") await fetch(ADAPTER, output.path(ADAPTER));
  const files = await checkModelFiles(folder);
  const { addedIds } = bundle.job;
  if (files.embeddingRows !== null && files.embeddingRows < addedIds)
    throw new AppError(
      "checkpoint-corrupt",
      `${folder}: the embedding has ${files.embeddingRows} rows, the tokenizer ${addedIds} ids`,
      {
        data: { folder, rows: files.embeddingRows, ids: addedIds },
      },
    );
  const examples =
    bundle.files.length === 0
      ? 0
      : (context.input("tokenize").manifest.files.find(({ path }) => path === "examples.jsonl")?.rows ?? 0);
  await dressModelFolder(folder, {
    tokenizerFrom: baseFolder,
    style: recipe.tokenize.style,
    readme: studentCard(recipe, { examples, steps: totalSteps, how: howOf(story, recipe) }),
  });
}

/** Keeps the adapter alone in the work folder, which outlives a failure, until it is merged. */
async function mergeHere(
  context: StageContext,
  fetch: (path: string, to: string) => Promise<boolean>,
  finished: FinishedJob,
): Promise<void> {
  const fs = nodeFileSystem();
  const adapter = join(context.workFolder, ADAPTER);
  await fs.remove(adapter);
  if (!(await fetch(ADAPTER, adapter))) throw leftNo(ADAPTER, finished);
  await mergeAdapter(context, adapter, context.output.path("student"));
  await fs.rename(adapter, context.output.path(ADAPTER));
}

function leftNo(from: string, { handle: { id } }: FinishedJob): AppError {
  return new AppError("model-missing", `job ${id} ended well and left no ${from}`, {
    hint: "look into its folder",
    data: { job: id, from },
  });
}

/** A path below the job's outputs, as the trainer told it. */
function insideOutput(path: string): string {
  const isInside =
    /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(path) && !path.split("/").some((part) => /^\.+$/.test(part));
  if (isInside) return path;
  throw new AppError(
    "provider-permanent",
    `the trainer says its student is in ${JSON.stringify(path.slice(0, 200))}: no folder of its outputs`,
  );
}

/** "LoRA of rank 16 in bf16, 8 x NVIDIA H100, fsdp2, PyTorch 2.13.0". */
function howOf({ start }: TrainingStory, { train }: Recipe): string {
  const method = {
    full: "full fine-tune",
    lora: `LoRA of rank ${train.lora.rank}, merged`,
    qlora: `QLoRA of rank ${train.lora.rank}, merged`,
  }[train.method];
  if (start === undefined) return method;
  const on = start.gpu === null ? `${start.worldSize} CPU processes` : `${start.worldSize} x ${start.gpu}`;
  const torch = start.versions.torch === undefined ? "" : `, PyTorch ${start.versions.torch.slice(0, 40)}`;
  return `${method} in ${start.precision}, ${on}${start.sharding === "none" ? "" : `, ${start.sharding}`}${torch}`;
}

/** What `job.json` tells. */
export function launchedJob({
  finished,
  story,
  recipe,
  name,
}: {
  readonly finished: FinishedJob;
  readonly story: TrainingStory;
  readonly recipe: Recipe;
  readonly name: string;
}): LaunchedJob {
  const { start, steps } = story;
  if (start === undefined)
    throw new AppError("provider-permanent", "the trainer ended well and never said that it started");
  const { handle, status, rent } = finished;
  const seconds = steps.reduce((sum, one) => sum + Math.max(0, one.seconds), 0);
  const tokens = steps.reduce((sum, one) => sum + one.tokens, 0);
  const peaks = steps.flatMap(({ peakMemoryBytes }) => peakMemoryBytes ?? []);
  const date = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    schemaVersion: SCHEMA_VERSION,
    launcher: handle.launcher,
    name,
    job: handle.id,
    base: recipe.student.base,
    method: recipe.train.method,
    device: start.device,
    gpu: start.gpu,
    processes: start.worldSize,
    nodes: start.nodes,
    precision: start.precision,
    attention: start.attention,
    sharding: start.sharding,
    parameters: start.parameters,
    trainableParameters: start.trainableParameters,
    versions: start.versions,
    tries: Math.max(1, story.tries),
    startedAt: date(status.startedAt),
    endedAt: date(status.endedAt),
    seconds: story.ranSeconds,
    gpus: status.gpus ?? rent.gpus,
    microUsdPerGpuHour: rent.price.microUsdPerGpuHour,
    priceSource: rent.price.source,
    priceAsOf: rent.price.asOf,
    costMicroUsd: isPaid(rent) ? finished.totalMicroUsd : 0,
    isEstimated: finished.isEstimated,
    tokensPerSecond: seconds > 0 ? tokens / seconds : null,
    utilisation: utilisationNow(story, recipe.train, steps.length) ?? null,
    peakMemoryBytes: peaks.length === 0 ? null : peaks.reduce((most, one) => Math.max(most, one), 0),
  };
}
