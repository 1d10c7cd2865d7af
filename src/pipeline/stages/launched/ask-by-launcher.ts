/**
 * @file Questions put to models by a launcher: one job, found again by its name, paid once; its replies, checked by the machine
 * that made them. What it asked before is not asked again.
 */
import { join } from "node:path";
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import { JobMoney } from "../../../adapters/journal/job-money.ts";
import { type JobHandle, type Launcher, outputsOf } from "../../../adapters/launchers/launcher.ts";
import { readLines } from "../../../adapters/store/read-lines.ts";
import { parseJson } from "../../../adapters/teacher/json-fields.ts";
import { AppError } from "../../../core/errors.ts";
import { GenerateStory, parseGenerateEvent } from "../../../decode/generate-events.ts";
import { ReplyBook } from "../../../decode/generate-replies.ts";
import { type GenerateJob, type GeneratePrompt, GenerateReply } from "../../../schema/generate-job.ts";
import type { LauncherFields } from "../../../schema/training-fields.ts";
import type { StageContext } from "../../stage.ts";
import { patiently } from "./follow-job.ts";
import { type Asking, type GenerateBundle, generateBundle, generateSpec } from "./generate-bundle.ts";
import { mostFor } from "./job-money.ts";
import { judgeGenerating } from "./judge-generating.ts";
import { LaunchedGenerating } from "./launched-generating.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { leaveJob } from "./leave-job.ts";
import { type JobPlan, type JobPorts, runJob } from "./run-job.ts";
import { redactorOf, rentOf } from "./train.ts";

/** What is asked, and on whose account. */
export interface LaunchedAsking extends Omit<Asking, "gpus" | "seed"> {
  readonly account: "attempt" | "evaluate";
  /** In messages: "the evaluation". */
  readonly what: string;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** Cap of its own, micro-dollars. */
  readonly ownCapMicroUsd: number | undefined;
  /** Where a larger cap is set. */
  readonly capHint: string;
}

/** The replies, and what they took. */
export interface LaunchedReplies {
  readonly job: GenerateJob;
  readonly book: ReplyBook;
  readonly costMicroUsd: number;
  readonly isEstimated: boolean;
  /** vLLM or its stand-in, and where, as the last try told. */
  readonly server: string | undefined;
}

const REPLIES_FILE = "replies.jsonl";
const EVENTS_FILE = "events.jsonl";
const MAX_LINE_CHARACTERS = 1 << 20;

/** Asks, or goes on with it. Throws as `runJob`. */
export async function askByLauncher(
  context: StageContext,
  world: LaunchedWorld,
  asking: LaunchedAsking,
): Promise<LaunchedReplies> {
  const fields = context.recipe.train.launcher as LauncherFields;
  const launcher = await world.openLauncher(
    fields,
    {
      secrets: world.secrets,
      cacheFolder: world.cacheFolder,
      jobsFolder: join(context.workFolder, "jobs"),
      warn: (message) => context.warn(message),
      tell: (note) => context.progress({ done: 0, total: 1, unit: asking.unit, note }),
    },
    context.signal,
  );
  try {
    return await ask(context, { world, launcher, asking, fields });
  } finally {
    await launcher.close();
  }
}

interface Opened {
  readonly world: LaunchedWorld;
  readonly launcher: Launcher;
  readonly asking: LaunchedAsking;
  readonly fields: LauncherFields;
}

async function ask(context: StageContext, { world, launcher, asking, fields }: Opened): Promise<LaunchedReplies> {
  const name = `grappa-${context.key}`;
  const { seed } = context.recipe;
  const bundle = await generateBundle({ ...asking, seed, gpus: launcher.gpus }, name, world);
  const ports = await portsOf(context, { world, launcher, asking, fields }, name);
  const generating = new LaunchedGenerating(context, {
    total: wantedOf(asking.prompts),
    unit: asking.unit,
    story: await readStory(context, ports),
    redact: redactorOf(fields, world),
  });
  const finished = await runJob(planOf(context, { world, launcher, asking, bundle, generating, ports }), ports);
  const { totalMicroUsd, isEstimated } = finished;
  const start = generating.story.starts.at(-1);
  const server =
    start &&
    `${start.server} ${start.version} on ${start.device === "cpu" ? "CPUs" : `${start.gpus} x ${start.gpu ?? "GPU"}`}`;
  return { job: bundle.job, book: await readReplies(context), costMicroUsd: totalMicroUsd, isEstimated, server };
}

async function portsOf(
  context: StageContext,
  { world, launcher, asking, fields }: Opened,
  name: string,
): Promise<JobPorts> {
  const { recipe, signal, workFolder, key } = context;
  const { account, ownCapMicroUsd } = asking;
  const waiting = world.waiting(recipe.seed);
  const warn = (message: string): void => context.warn(message);
  // Its program runs once: on one node, whatever a training holds.
  const gpus = await patiently(() => launcher.gpusOnce(signal), { waiting, signal, warn });
  const { ledger, journal } = await context.accounts();
  const money = new JobMoney({
    ledger,
    journal,
    account,
    key,
    name,
    provider: launcher.type,
    model: recipe.student.base,
  });
  return {
    launcher,
    rent: rentOf(fields, { gpus }),
    money,
    mostMicroUsd: () =>
      mostFor(ledger.snapshot(), { account, ownCapMicroUsd, promisedMicroUsd: money.promisedMicroUsd }),
    workFolder,
    waiting,
    now: () => world.now(),
    signal,
    warn,
  };
}

interface Planned {
  readonly world: LaunchedWorld;
  readonly launcher: Launcher;
  readonly asking: LaunchedAsking;
  readonly bundle: GenerateBundle;
  readonly generating: LaunchedGenerating;
  readonly ports: JobPorts;
}

function planOf(context: StageContext, planned: Planned): JobPlan {
  const { world, launcher, asking, bundle, generating, ports } = planned;
  const { what, capHint } = asking;
  const wanted = wantedOf(asking.prompts);
  let before = 0;
  return {
    name: bundle.job.name,
    what,
    spec: async ({ stopAfterSeconds, ...other }) => {
      // The program counts the seconds of all tries together, those of processes whose record never came here too.
      const handle = outputsOf(launcher, bundle.job.name);
      await fetchOutputs(context, { launcher, handle, ports, generating }).catch((error: unknown) => {
        if (ports.signal.aborted) throw error; // else the submission tells what is wrong there
      });
      const ran = Math.ceil(generating.story.ranSeconds);
      const limits = { stopAfterSeconds: stopAfterSeconds === null ? null : ran + stopAfterSeconds, ...other };
      return generateSpec(bundle, limits, world);
    },
    onLine: (line) => generating.onLine(line),
    onStatus: (status, cost) => {
      generating.onStatus(status, cost);
      return undefined;
    },
    eventTimes: (beganAt) => {
      const { first, last } = generating.story.timesSince(beganAt / 1000);
      const ms = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);
      return { firstEventAt: ms(first), lastEventAt: ms(last) };
    },
    onEnd: (handle) => fetchOutputs(context, { launcher, handle, ports, generating }),
    judge: async (ended) => {
      generating.onBooked(ended.cost);
      const book = await readReplies(context);
      const replies = asking.prompts.reduce((sum, prompt) => sum + book.of(prompt).size, 0);
      const { story, tail, redact } = generating;
      const verdict = judgeGenerating(ended, { what, story, replies, wanted, before, tail, redact, capHint });
      before = replies;
      return verdict;
    },
    onInterrupt: (handle) =>
      leaveJob(launcher, handle, { what, keeps: "the replies that it has", warn: (message) => context.warn(message) }),
  };
}

const wantedOf = (prompts: readonly GeneratePrompt[]): number =>
  prompts.reduce((sum, { settings }) => sum + settings.length, 0);

/** Brings replies and events here; what cannot be had stays as it was. */
async function fetchOutputs(
  context: StageContext,
  { launcher, handle, ports, generating }: Pick<Planned, "launcher" | "ports" | "generating"> & { handle: JobHandle },
): Promise<void> {
  const fs = nodeFileSystem();
  for (const file of [REPLIES_FILE, EVENTS_FILE]) {
    const fresh = join(context.workFolder, `${file}.fetched`);
    await fs.remove(fresh);
    if (!(await patiently(() => launcher.fetch(handle, file, fresh, ports.signal), ports))) continue;
    await fs.rename(fresh, join(context.workFolder, file)); // what was known is lost only once the new is whole
  }
  const story = await readStory(context, ports);
  if (story.ranSeconds >= generating.story.ranSeconds) generating.story = story;
}

/** Replies of the job that are here; lines that are none are passed over, and asked for again. */
async function readReplies({ workFolder }: Pick<StageContext, "workFolder">): Promise<ReplyBook> {
  const book = new ReplyBook();
  const path = join(workFolder, REPLIES_FILE);
  if ((await nodeFileSystem().kind(path)) !== "file") return book;
  for await (const { bytes, isTerminated } of readLines(path)) {
    const reply = GenerateReply.safeParse(isTerminated ? parseJson(bytes.toString("utf8")) : undefined);
    if (reply.success) book.add(reply.data);
  }
  return book;
}

/** The story that the job's own record tells; an empty one where there is none. */
async function readStory(
  { workFolder }: Pick<StageContext, "workFolder">,
  { warn }: Pick<JobPorts, "warn">,
): Promise<GenerateStory> {
  const story = new GenerateStory();
  const fs = nodeFileSystem();
  const path = join(workFolder, EVENTS_FILE);
  if ((await fs.kind(path)) !== "file") return story;
  try {
    for await (const line of fs.readLines(path, MAX_LINE_CHARACTERS)) {
      const event = parseGenerateEvent(line);
      if (event !== undefined) story.take(event);
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "limit-exceeded") throw error;
    warn(`${EVENTS_FILE} of the job has a line of no event's length; what its log said is taken`);
  }
  return story;
}
