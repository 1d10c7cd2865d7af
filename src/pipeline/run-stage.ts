import type { Clock } from "../adapters/system-clock.ts";
import { invariant } from "../core/errors.ts";
import { count } from "../report/number-format.ts";
import type { AttemptOutcome, StageManifest, StageName, StageNotes } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import type { RunAccounts } from "./run-accounts.ts";
import { appendTiming, journalFolder } from "./run-folder.ts";
import { type PipelinePorts, type RunRequest, throwIfInterrupted } from "./run-request.ts";
import { inputsOf, type Stage, type StageContext, type StageIdentity, type StageSummary } from "./stage.ts";
import { openStageInput, openStageOutput } from "./stage-files.ts";
import { finishStage, prepareStage, stageFolder, workFolder } from "./stage-folder.ts";

/** How long a stage may take to stop by itself after an interrupt, milliseconds. */
const GRACE_MS = 800;

/** Where and on what a stage runs. */
export interface StageRun {
  readonly ports: PipelinePorts;
  readonly accounts: () => Promise<RunAccounts>;
  readonly done: ReadonlyMap<StageName, StageManifest>;
  readonly identity: StageIdentity;
  readonly folder: string;
  /** True when an earlier try left a work folder. */
  readonly isResumed: boolean;
  readonly verdicts: StageContext["verdicts"];
}

/** Runs one stage to its manifest, and writes down what the try took, however it ends. */
export async function runStage(stage: Stage, request: RunRequest, run: StageRun): Promise<StageManifest> {
  const { ports, identity, folder } = run;
  const attempt = beginAttempt(stage.name, identity.key, run);
  const measures: StageNotes = {};
  ports.observe({ type: "stage-start", stage: stage.name, key: identity.key, isResumed: run.isResumed });
  try {
    await prepareStage(ports.fs, folder);
    const context = openContext(stage, request, { run, measures });
    const summary = await orInterrupted(stage.run(context), request.signal);
    const manifest = await finishStage(ports.fs, folder, { stage, identity, summary });
    const seconds = await attempt.end("done", request.folder, measures);
    ports.observe({
      type: "stage-end",
      stage: stage.name,
      key: identity.key,
      seconds,
      note: summary.outcome ?? describeOutcome(manifest),
    });
    return manifest;
  } catch (error) {
    const cause = request.signal.aborted ? interruption(request.signal) : error;
    // On a full disk this line cannot be written either; the error to report is the stage's.
    const outcome = request.signal.aborted ? "interrupted" : "failed";
    const seconds = await attempt.end(outcome, request.folder, measures).catch(() => 0);
    ports.observe({ type: "stage-fail", stage: stage.name, key: identity.key, seconds, error: cause });
    throw cause;
  }
}

function interruption(signal: AbortSignal): unknown {
  try {
    throwIfInterrupted(signal);
  } catch (error) {
    return error;
  }
  return undefined;
}

function beginAttempt(stage: StageName, key: string, { ports }: StageRun) {
  const { clock, machine, fs } = ports;
  const startedAt = clock.date();
  const start = clock.now();
  return {
    end: async (outcome: AttemptOutcome, runFolder: string, measures: StageNotes): Promise<number> => {
      const seconds = secondsSince(clock, start);
      await appendTiming(fs, runFolder, {
        schemaVersion: SCHEMA_VERSION,
        stage,
        key,
        outcome,
        startedAt,
        seconds,
        measures,
        machine,
      });
      return seconds;
    },
  };
}

function secondsSince(clock: Clock, start: number): number {
  return Math.round(clock.now() - start) / 1000;
}

/** The stage's own end, or the interrupt when the stage does not stop within its grace. */
async function orInterrupted(work: Promise<StageSummary>, signal: AbortSignal): Promise<StageSummary> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = (): void => undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    stop = () => {
      timer = setTimeout(() => reject(interruption(signal)), GRACE_MS);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    tooLate.catch(() => undefined); // whichever lost the race has no listener left
    work.catch(() => undefined);
  }
}

interface ContextParts {
  readonly run: StageRun;
  readonly measures: StageNotes;
}

function openContext(stage: Stage, request: RunRequest, { run, measures }: ContextParts): StageContext {
  const { ports, accounts, done, folder, identity, verdicts } = run;
  const inputs = inputsOf(stage, request.recipe);
  return {
    recipe: request.recipe,
    key: identity.key,
    baseFolder: request.baseFolder,
    recipeFolder: request.folder,
    signal: request.signal,
    output: openStageOutput(ports.fs, folder, request.signal),
    workFolder: workFolder(folder),
    journalFolder: journalFolder(request.folder),
    accounts,
    verdicts,
    retryFailed: request.retryFailed ?? false,
    input: (name) => {
      const manifest = done.get(name);
      invariant(manifest && inputs.includes(name), `${stage.name} reads ${name} without saying so in its inputs`);
      return openStageInput(ports.fs, stageFolder(request.folder, name, manifest.key), manifest);
    },
    progress: (progress) => ports.observe({ type: "stage-progress", stage: stage.name, ...progress }),
    warn: (message) => ports.observe({ type: "warning", stage: stage.name, message }),
    measure: (name, value) => {
      measures[name] = value;
    },
  };
}

/** "1,000 kept, 2,831 dropped", or how much was written. */
function describeOutcome({ funnel, files }: StageManifest): string {
  const last = funnel.at(-1);
  const dropped = funnel.reduce((sum, stage) => sum + stage.dropped, 0);
  if (last) return `${count(last.kept)} kept, ${count(dropped)} dropped`;
  return files.length === 1 ? "1 file" : `${files.length} files`;
}
