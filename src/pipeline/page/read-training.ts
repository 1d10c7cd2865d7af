/** @file The training's curve: of a finished stage its losses, of one under way the steps up to its last checkpoint. */
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { readJsonl } from "../../adapters/store/jsonl.ts";
import type { TrainingCurve } from "../../report/page/training-curve.ts";
import { trainingOf } from "../../report/view/training.ts";
import { spentIn } from "../../ledger/spending.ts";
import { LaunchedJob } from "../../schema/launched-job.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { TrainStep } from "../../schema/records.ts";
import { latestByStage } from "../run-status.ts";
import { openStageInput } from "../stage-files.ts";
import { inspectStage, stageFolder, workFolder } from "../stage-folder.ts";
import type { PageReader } from "./page-reader.ts";
import type { RunFacts } from "./run-facts.ts";

/** Steps that are read; a training has thousands. */
const MOST_STEPS = 1_000_000;

/** What was trained so far, as far as it is shown: the steps themselves are not kept. */
type Trained = Pick<TrainingCurve, "view" | "steps" | "tokens">;

const UNTRAINED: Trained = { view: null, steps: 0, tokens: 0 };

/** The training's view. Throws as reading the stage's files does. */
export async function readTraining(facts: RunFacts, reader: PageReader): Promise<TrainingCurve> {
  const { name, folder, recipe, stages, events, timings } = facts;
  const key = latestByStage(events).get("train")?.key;
  const stage = stages.find((each) => each.stage === "train");
  const measured = timings.filter((timing) => timing.key === key).at(-1)?.measures.tokensPerSecond;
  const paid = (await reader.spending(facts)).rows.filter(({ account }) => account === "train");
  return {
    run: name,
    status: stage?.status ?? "waiting",
    note: stage?.note ?? "",
    ...(key === undefined || recipe === undefined
      ? UNTRAINED
      : await readTrained(stageFolder(folder, "train", key), recipe, reader)),
    tokensPerSecond: typeof measured === "number" ? measured : null,
    seconds: stage?.seconds ?? 0,
    costMicroUsd: paid.reduce((sum, row) => sum + spentIn(row), 0),
  };
}

async function readTrained(folder: string, recipe: Recipe, { kept, ports: { fs } }: PageReader): Promise<Trained> {
  const files = await fs.list(folder);
  const named = (path: string) => files.find((file) => file.path === path);
  const [finished, underWay] = [named("manifest.json"), named("work/steps.jsonl")];
  const stamp = `${finished?.bytes ?? ""} ${underWay?.bytes ?? ""}`;
  return await kept.getSeldom(`training ${folder}`, stamp, async () => {
    if (finished !== undefined) return await readFinished(fs, folder, recipe);
    if (underWay === undefined) return UNTRAINED;
    return trainedOf(await atMost(readJsonl(joinPath(workFolder(folder), "steps.jsonl"), TrainStep)), recipe);
  });
}

async function readFinished(fs: FileSystem, folder: string, recipe: Recipe): Promise<Trained> {
  const state = await inspectStage(fs, folder, "sizes");
  if (state.status !== "done") return UNTRAINED;
  const input = openStageInput(fs, folder, state.manifest);
  const has = (path: string) => state.manifest.files.some((file) => file.path === path);
  const steps = has("losses.jsonl") ? await atMost(input.streamRows("losses.jsonl", TrainStep)) : [];
  return trainedOf(steps, recipe, has("job.json") ? await input.readJson("job.json", LaunchedJob) : undefined);
}

function trainedOf(steps: readonly TrainStep[], recipe: Recipe, job?: LaunchedJob): Trained {
  if (steps.length === 0) return UNTRAINED;
  return {
    view: trainingOf({ trainSteps: steps, recipe, ...(job === undefined ? {} : { training: job }) }),
    steps: steps.length,
    tokens: steps.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

async function atMost(rows: AsyncIterable<TrainStep>): Promise<TrainStep[]> {
  const steps: TrainStep[] = [];
  for await (const row of rows) {
    steps.push(row);
    if (steps.length === MOST_STEPS) break;
  }
  return steps;
}
