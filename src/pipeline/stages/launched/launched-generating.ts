/** @file A generate job as seen while it runs: events in, progress and warnings out. */
import type { JobStatus } from "../../../adapters/launchers/launcher.ts";
import { generateEventOfLogLine, type GenerateStory } from "../../../decode/generate-events.ts";
import { formatUsd } from "../../../ledger/money.ts";
import type { GenerateEvent } from "../../../schema/generate-job.ts";
import type { StageContext } from "../../stage.ts";
import type { TryCost } from "./job-money.ts";

/** Lines of the log that are kept for an error. */
const TAIL_LINES = 30;
const TAIL_LINE_CHARACTERS = 500;

/** See the file's head. */
export class LaunchedGenerating {
  story: GenerateStory;
  readonly #context: Pick<StageContext, "progress" | "warn">;
  /** Takes keys out of what the job says. */
  readonly redact: (text: string) => string;
  readonly #total: number;
  readonly #unit: string;
  #tail: string[] = [];
  #note = "starting";
  #cost = 0;
  #before = 0;

  constructor(
    context: Pick<StageContext, "progress" | "warn">,
    {
      total,
      unit,
      story,
      redact,
    }: Pick<LaunchedGenerating, "story" | "redact"> & {
      readonly total: number;
      readonly unit: string;
    },
  ) {
    this.#context = context;
    this.redact = redact;
    this.#total = total;
    this.#unit = unit;
    this.story = story;
  }

  /** The last lines of the job's log that were no events. */
  get tail(): string {
    return this.#tail.join("\n");
  }

  /** A line of the job's log, which may hold anything. */
  onLine(line: string): void {
    const event = generateEventOfLogLine(line);
    if (event === undefined)
      this.#tail = [...this.#tail, this.redact(line.slice(0, TAIL_LINE_CHARACTERS))].slice(-TAIL_LINES);
    else this.onEvent(event);
  }

  /** An event, the first time or again. */
  onEvent(event: GenerateEvent): void {
    if (!this.story.take(event)) return;
    if (event.type === "warning") this.#context.warn(`the job says: ${this.redact(event.message.slice(0, 1000))}`);
    if (event.type === "start") {
      const on = event.device === "cpu" ? "CPUs" : `${event.gpus} x ${event.gpu ?? "GPU"}`;
      this.#note = `${event.model} on ${on}, ${event.server} ${event.version}`;
    }
    if (event.type === "progress") {
      const pace =
        event.seconds > 0 && event.tokens > 0 ? `, ${Math.round(event.tokens / event.seconds)} tokens/s` : "";
      this.#note = `${event.model}${pace}`;
    }
    this.#tell();
  }

  /** A look at the job. */
  onStatus({ state, detail }: JobStatus, { microUsd }: TryCost): void {
    this.#cost = microUsd;
    if (state === "queued") this.#note = `queued: ${detail}`;
    this.#tell();
  }

  /** A try's cost is booked: what comes is beside it. */
  onBooked({ microUsd }: TryCost): void {
    this.#before += microUsd;
    this.#cost = 0;
  }

  #tell(): void {
    const spent = this.#before + this.#cost;
    const note = spent > 0 ? `${this.#note}, ${formatUsd(spent)} so far` : this.#note;
    const done = Math.min(this.story.done, this.#total);
    this.#context.progress({ done, total: this.#total, unit: this.#unit, note });
  }
}
