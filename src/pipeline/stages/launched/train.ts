/**
 * @file The train stage of a student that PyTorch trains through a launcher: one job, found again by its name, paid once; its
 * student, losses and facts in the run's folder.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import { JobMoney } from "../../../adapters/journal/job-money.ts";
import { type JobHandle, type Launcher, outputsOf } from "../../../adapters/launchers/launcher.ts";
import { keyRedactor } from "../../../adapters/teacher/api-key.ts";
import { AppError } from "../../../core/errors.ts";
import { gpuHourPrice } from "../../../ledger/gpu-price.ts";
import { formatUsd, microUsdFromUsd } from "../../../ledger/money.ts";
import type { Recipe } from "../../../schema/recipe.ts";
import { type HfJobsFields, type LauncherFields, learningRateOf } from "../../../schema/training-fields.ts";
import { lossRows, MAX_EVENT_CHARACTERS, parseEvent, TrainingStory } from "../../../train/training-events.ts";
import { keptForAsking } from "../../plan-asking.ts";
import { readStudent } from "../../plan-facts.ts";
import { plannedSize } from "../../plan-training.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { patiently } from "./follow-job.ts";
import { type GpuRent, mostFor } from "./job-money.ts";
import { judgeTraining } from "./judge-training.ts";
import { LaunchedTraining } from "./launched-training.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { leaveJob } from "./leave-job.ts";
import { type JobPlan, type JobPorts, runJob } from "./run-job.ts";
import { keepStudent, launchedJob } from "./keep-student.ts";
import { type TrainingBundle, trainingBundle, trainingSpec } from "./training-bundle.ts";

/** Account of the training in ledger and journal. */
const ACCOUNT = "train";
const EVENTS_FILE = "events.jsonl";

/**
 * What the weights depend on. Neither where it runs nor on how many GPUs: the order of rows and the loss do not depend on
 * them, and whoever moves a training elsewhere does not want it made, and paid, again.
 */
export function launchedConfig(recipe: Recipe): object {
  const { epochs, batchSize, warmupShare, beta1, beta2, epsilon, weightDecay, maxGradientNorm, lossReduction } =
    recipe.train;
  const { method, lora, precision, packing } = recipe.train;
  return {
    backend: "pytorch",
    epochs,
    batchSize,
    learningRate: learningRateOf(recipe.train),
    warmupShare,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    maxGradientNorm,
    lossReduction,
    method,
    ...(method === "full" ? {} : { lora }),
    precision,
    packing,
    seed: recipe.seed,
    name: recipe.name,
  };
}

/** What a launcher's GPUs cost, or a CPU machine that is paid by the hour. Throws "recipe-invalid" where nobody knows it. */
export function rentOf(fields: LauncherFields, { gpus }: Pick<Launcher, "gpus">): GpuRent {
  if (gpus === 0 && fields.type === "hf-jobs") return rentOfCpus(fields);
  const price = gpuHourPrice(fields);
  if (price !== undefined) return { gpus, price };
  if (gpus === 0) return { gpus, price: { microUsdPerGpuHour: 0, asOf: "as given", source: "no GPUs" } };
  throw new AppError("recipe-invalid", `the price of ${fields.gpu ?? fields.type}'s GPUs is not known`, {
    hint: "give train.launcher.gpuUsdPerHour; 0 for your own",
    data: { launcher: fields.type },
  });
}

/** A machine without GPUs is one unit, at the recipe's price of its hour: no table has it, and the hub bills it. */
function rentOfCpus(fields: HfJobsFields): GpuRent {
  const price = fields.gpuUsdPerHour === undefined ? undefined : gpuHourPrice(fields);
  if (price !== undefined) return { gpus: 1, price };
  throw new AppError("recipe-invalid", `an hour of ${fields.flavor} is paid at the hub, and its price is not known`, {
    hint: "give train.launcher.gpuUsdPerHour: what an hour of the machine costs; or take a flavor with GPUs",
    data: { launcher: fields.type, flavor: fields.flavor },
  });
}

/** What would stop the job and can be known before: an unknown price, a key that is not set. */
export async function checkLauncher(fields: LauncherFields, world: LaunchedWorld): Promise<void> {
  const silent = (): void => undefined;
  const { secrets, cacheFolder } = world;
  const launcher = await world.openLauncher(
    fields,
    { secrets, cacheFolder, jobsFolder: cacheFolder, warn: silent, tell: silent },
    NEVER,
  );
  try {
    rentOf(fields, launcher);
  } finally {
    await launcher.close();
  }
}

const NEVER = new AbortController().signal;

/** "LoRA by ray on 8 GPUs", for a plan. */
export function describeLauncher({ launcher, method }: Recipe["train"]): string {
  const how = { full: "full fine-tune", lora: "LoRA", qlora: "QLoRA" }[method];
  const on = launcher === undefined ? "" : ` by ${launcher.type}`;
  const price = launcher && gpuHourPrice(launcher);
  const paid =
    price === undefined || price.microUsdPerGpuHour === 0 ? "" : `, ${formatUsd(price.microUsdPerGpuHour)} a GPU-hour`;
  return `${how} with PyTorch${on}${paid}`;
}

/** Trains by a launcher, or goes on with that. Outputs `student/`, `losses.jsonl`, `job.json`, and `adapter/` of a LoRA. */
export async function trainByLauncher(context: StageContext, world: LaunchedWorld): Promise<StageSummary> {
  const fields = context.recipe.train.launcher as LauncherFields;
  const launcher = await world.openLauncher(
    fields,
    {
      secrets: world.secrets,
      cacheFolder: world.cacheFolder,
      jobsFolder: join(context.workFolder, "jobs"),
      warn: (message) => context.warn(message),
      tell: (note) => context.progress({ done: 0, total: 1, unit: "steps", note }),
    },
    context.signal,
  );
  try {
    return await train(context, world, launcher);
  } finally {
    await launcher.close();
  }
}

async function train(context: StageContext, world: LaunchedWorld, launcher: Launcher): Promise<StageSummary> {
  const { recipe } = context;
  const rent = rentOf(recipe.train.launcher as LauncherFields, launcher);
  const name = `grappa-${context.key}`;
  const bundle = await trainingBundle(context, name, world);
  const ports = await portsOf(context, world, { launcher, rent, name });
  const training = new LaunchedTraining(context, {
    train: recipe.train,
    totalSteps: bundle.job.totalSteps,
    story: (await readEvents(join(context.workFolder, EVENTS_FILE), ports)) ?? new TrainingStory(),
    redact: redactorOf(recipe.train.launcher as LauncherFields, world),
  });
  const finished = await runJob(planOf(context, { world, launcher, bundle, training, ports }), ports);
  const { story } = training;
  await keepStudent(context, { finished, launcher, story, bundle, ports });
  const losses = lossRows(story.steps);
  await context.output.writeRows("losses.jsonl", losses);
  const job = launchedJob({ finished, story, recipe, name });
  await context.output.writeJson("job.json", job);
  if (job.tokensPerSecond !== null) context.measure("tokensPerSecond", Math.round(job.tokensPerSecond));
  const [first, last] = [losses[0]?.loss ?? null, losses.at(-1)?.loss ?? null];
  const paid = job.costMicroUsd > 0 ? `, ${formatUsd(job.costMicroUsd)}` : "";
  return {
    notes: {
      steps: bundle.job.totalSteps,
      trainedTokens: losses.reduce((sum, { tokens }) => sum + tokens, 0),
      firstLoss: first,
      lastLoss: last,
      ...(job.costMicroUsd > 0 ? { costMicroUsd: job.costMicroUsd, isEstimated: job.isEstimated } : {}),
    },
    outcome: `${bundle.job.totalSteps} steps by ${launcher.type}, loss ${first?.toFixed(3)} to ${last?.toFixed(3)}${paid}`,
  };
}

/** Takes the keys out that a job of this launcher may have. */
export function redactorOf(fields: LauncherFields, { secrets }: LaunchedWorld): (text: string) => string {
  const names = ["HF_TOKEN", ...("tokenEnv" in fields && fields.tokenEnv !== undefined ? [fields.tokenEnv] : [])];
  const redactors = names.map((name) => keyRedactor(secrets(name)));
  return (text) => redactors.reduce((rest, redact) => redact(rest), text);
}

async function portsOf(
  context: StageContext,
  { waiting, now }: LaunchedWorld,
  { launcher, rent, name }: { readonly launcher: Launcher; readonly rent: GpuRent; readonly name: string },
): Promise<JobPorts> {
  const { recipe, signal, workFolder, key } = context;
  const { ledger, journal } = await context.accounts();
  const { base } = recipe.student;
  const money = new JobMoney({ ledger, journal, account: ACCOUNT, key, name, provider: launcher.type, model: base });
  const { maxUsd } = recipe.train;
  const ownCapMicroUsd = maxUsd === undefined ? undefined : microUsdFromUsd(maxUsd);
  const size = plannedSize(recipe, await readStudent(nodeFileSystem(), context));
  return {
    launcher,
    rent,
    money,
    mostMicroUsd: () => {
      const { promisedMicroUsd } = money;
      const snapshot = ledger.snapshot();
      const { capMicroUsd, spentMicroUsd, heldMicroUsd } = snapshot;
      // What base and student may cost to ask is not the training's to spend.
      const kept = keptForAsking(recipe, size, capMicroUsd - spentMicroUsd - heldMicroUsd + promisedMicroUsd);
      const left = { ...snapshot, capMicroUsd: capMicroUsd - kept };
      return mostFor(left, { account: ACCOUNT, ownCapMicroUsd, promisedMicroUsd });
    },
    workFolder,
    waiting: waiting(recipe.seed),
    now,
    signal,
    warn: (message) => context.warn(message),
  };
}

interface Planned {
  readonly world: LaunchedWorld;
  readonly launcher: Launcher;
  readonly bundle: TrainingBundle;
  readonly training: LaunchedTraining;
  readonly ports: JobPorts;
}

function planOf(context: StageContext, { world, launcher, bundle, training, ports }: Planned): JobPlan {
  let stepBefore = 0;
  return {
    name: bundle.job.name,
    what: "the training",
    spec: async ({ stopAfterSeconds, ...other }) => {
      // The trainer counts the seconds of all tries together, those of processes whose record never came here too.
      training.story = await storyByName(context, { launcher, name: bundle.job.name, ports, seen: training.story });
      training.beginTry();
      const ran = Math.ceil(training.story.ranSeconds);
      const limits = { stopAfterSeconds: stopAfterSeconds === null ? null : ran + stopAfterSeconds, ...other };
      return trainingSpec(bundle, limits, world);
    },
    onLine: (line) => training.onLine(line),
    onStatus: (status, cost) => training.onStatus(status, cost),
    eventTimes: () => training.eventTimes(),
    onEnd: async (handle) => {
      training.story = await readStory(context, { launcher, handle, ports, seen: training.story });
    },
    judge: (ended) => {
      training.onBooked(ended.cost);
      const { story, tail, redact } = training;
      const place = `${launcher.type} job ${ended.handle.id}${ended.handle.folder === null ? "" : `, ${ended.handle.folder}`}`;
      const verdict = judgeTraining(ended, {
        story,
        stepBefore,
        totalSteps: bundle.job.totalSteps,
        tail,
        redact,
        place,
      });
      stepBefore = story.lastStep;
      return Promise.resolve(verdict);
    },
    onInterrupt: (handle) =>
      leaveJob(launcher, handle, {
        what: "the training",
        keeps: "its last checkpoint",
        warn: (message) => context.warn(message),
      }),
  };
}

/** The whole story by the job's own record; by what was seen of its log where there is none. */
async function readStory(
  { workFolder }: StageContext,
  { launcher, handle, ports, seen }: Pick<Planned, "launcher" | "ports"> & { handle: JobHandle; seen: TrainingStory },
): Promise<TrainingStory> {
  const path = join(workFolder, EVENTS_FILE);
  const fresh = join(workFolder, "events.fetched.jsonl");
  await nodeFileSystem().remove(fresh);
  if (!(await patiently(() => launcher.fetch(handle, EVENTS_FILE, fresh, ports.signal), ports))) return seen;
  await rename(fresh, path); // what was known before is lost only once the new is whole
  const story = await readEvents(path, ports);
  return story === undefined || story.tries < seen.tries ? seen : story;
}

/** The story of whatever ran by a name; what was seen where its record cannot be had: what is wrong there the submission tells. */
async function storyByName(
  context: StageContext,
  { name, ...from }: Pick<Planned, "launcher" | "ports"> & { readonly name: string; readonly seen: TrainingStory },
): Promise<TrainingStory> {
  try {
    return await readStory(context, { ...from, handle: outputsOf(from.launcher, name) });
  } catch (error) {
    if (from.ports.signal.aborted) throw error;
    return from.seen;
  }
}

/** The story that a file of events tells; undefined where there is none, or nothing in it to tell. */
async function readEvents(path: string, { warn }: Pick<JobPorts, "warn">): Promise<TrainingStory | undefined> {
  const fs = nodeFileSystem();
  if ((await fs.kind(path)) !== "file") return undefined;
  const story = new TrainingStory();
  try {
    for await (const line of fs.readLines(path, 4 * MAX_EVENT_CHARACTERS)) {
      const event = parseEvent(line);
      if (event !== undefined) story.take(event);
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "limit-exceeded") throw error;
    warn(`${EVENTS_FILE} of the job has a line of no event's length; what its log said is taken`);
    return undefined;
  }
  return story.start === undefined && story.failure === undefined ? undefined : story;
}
