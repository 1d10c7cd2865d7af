/** @file A launched training as seen while it runs: events in, progress, warnings and reasons to stop out. */
import type { JobStatus } from "../../../adapters/launchers/launcher.ts";
import { gpuKind } from "../../../ledger/gpu-offers.ts";
import { modelFlops, sizeByParameters, utilisationOf } from "../../../ledger/training-forecast.ts";
import type { Train } from "../../../schema/training-fields.ts";
import type { TrainingEvent } from "../../../schema/training-job.ts";
import { LossWatch } from "../../../train/loss-watch.ts";
import { eventOfLogLine, type StartEvent, type StepEvent, type TrainingStory } from "../../../train/training-events.ts";
import { describeTraining, PACE_STEPS, paceOf } from "../../../train/training-pace.ts";
import type { StageContext } from "../../stage.ts";
import type { TryCost } from "./job-money.ts";

/** Lines of the log that are kept for an error. */
const TAIL_LINES = 30;
const TAIL_LINE_CHARACTERS = 500;

/** What is known when a training is looked at. */
export interface LaunchedTrainingOptions {
  readonly train: Train;
  readonly totalSteps: number;
  /** What an earlier process knew of the tries before. */
  readonly story: TrainingStory;
  /** Takes keys out of what a job says. */
  readonly redact: (text: string) => string;
}

/** See the file's head. */
export class LaunchedTraining {
  story: TrainingStory;
  readonly #context: Pick<StageContext, "progress" | "warn">;
  readonly #train: Train;
  /** Takes keys out of what a job says. */
  readonly redact: (text: string) => string;
  readonly #totalSteps: number;
  #watch: LossWatch | undefined;
  #watched = 0;
  #tail: string[] = [];
  #cost: TryCost | undefined;
  #stop: string | undefined;
  /** Paid for tries before this one, micro-dollars. */
  #before = 0;
  /** Starts of tries before this one. */
  #startsBefore = 0;

  constructor(
    context: Pick<StageContext, "progress" | "warn">,
    { train, totalSteps, story, redact }: LaunchedTrainingOptions,
  ) {
    this.redact = redact;
    this.story = story;
    this.beginTry();
    this.#context = context;
    this.#train = train;
    this.#totalSteps = totalSteps;
  }

  /** Another try is submitted: what is known is of those before it. */
  beginTry(): void {
    this.#startsBefore = this.story.tries;
  }

  /** When this try said something, Unix milliseconds. */
  eventTimes(): { readonly firstEventAt: number | undefined; readonly lastEventAt: number | undefined } {
    const { start, lastTime, tries } = this.story;
    const isOfThis = start !== undefined && tries > this.#startsBefore && lastTime !== undefined;
    return {
      firstEventAt: isOfThis ? start.time * 1000 : undefined,
      lastEventAt: isOfThis ? lastTime * 1000 : undefined,
    };
  }

  /** The last lines of the job's log that were no events. */
  get tail(): string {
    return this.#tail.join("\n");
  }

  /** A line of the job's log, which may hold anything. */
  onLine(line: string): void {
    const event = eventOfLogLine(line);
    if (event !== undefined) return this.onEvent(event);
    this.#tail = [...this.#tail, this.redact(line.slice(0, TAIL_LINE_CHARACTERS))].slice(-TAIL_LINES);
  }

  /** An event, the first time or again. */
  onEvent(event: TrainingEvent): void {
    if (!this.story.take(event)) return;
    if (event.type === "warning") this.#context.warn(`the trainer says: ${this.redact(event.message.slice(0, 1000))}`);
    if (event.type === "start") this.#tellStart(event);
    if (event.type === "step") this.#onStep(event);
  }

  /** A look at the job; a reason has it stopped. */
  onStatus(status: JobStatus, cost: TryCost): string | undefined {
    this.#cost = cost;
    if (this.story.lastStep === 0) {
      const note = status.state === "queued" ? `queued: ${status.detail}` : `starting: ${status.detail}`;
      this.#context.progress({ done: 0, total: this.#totalSteps, unit: "steps", note });
    }
    return this.#stop;
  }

  /** A try's cost is booked: what comes is beside it. */
  onBooked({ microUsd }: TryCost): void {
    this.#before += microUsd;
    this.#cost = undefined;
  }

  #tellStart({ gpu, worldSize, device, precision, sharding, attention, resumedAt }: StartEvent): void {
    const on = device === "cpu" ? `${worldSize} CPU processes` : `${worldSize} x ${gpu ?? device}`;
    const from = resumedAt > 0 ? `, going on after step ${resumedAt}` : "";
    const note = `${on}, ${precision}, ${attention}, ${sharding}${from}`;
    this.#context.progress({ done: resumedAt, total: this.#totalSteps, unit: "steps", note });
    this.#stop = undefined;
  }

  #onStep(event: StepEvent): void {
    const { step, loss } = event;
    this.#watch ??= new LossWatch({ totalSteps: this.#totalSteps, firstStep: step });
    if (step > this.#watched) {
      this.#watched = step;
      const finding = this.#watch.take({ step, loss });
      if (finding !== undefined) this.#context.warn(finding.message);
      if (finding?.type === "not-finite") this.#stop = finding.message;
    }
    const spent = this.#before + (this.#cost?.microUsd ?? 0);
    const note = describeTraining({
      loss,
      pace: paceOf(this.story.latest(PACE_STEPS)),
      utilisation: utilisationNow(this.story, this.#train),
      costUsd: spent > 0 ? spent / 1e6 : undefined,
    });
    this.#context.progress({ done: step, total: this.#totalSteps, unit: "steps", note });
  }
}

/** Share of the GPUs' peak that the latest steps reached; undefined where they are of no known kind. */
export function utilisationNow(story: TrainingStory, train: Train, latest = PACE_STEPS): number | undefined {
  const { start } = story;
  const kind = gpuKind(start?.gpu ?? "") ?? gpuKind(train.launcher?.gpu ?? "");
  const steps = story.latest(latest);
  const seconds = steps.reduce((sum, one) => sum + Math.max(0, one.seconds), 0);
  if (start === undefined || start.device !== "cuda" || kind === undefined || !(seconds > 0)) return undefined;
  const tokens = steps.reduce((sum, one) => sum + one.tokens, 0);
  const meanLength = tokens / (steps.length * train.batchSize);
  const flops = modelFlops(sizeByParameters(start.parameters), { method: train.method, tokens, meanLength });
  return utilisationOf(flops, { gpus: start.worldSize, kind, seconds });
}
