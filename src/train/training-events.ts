/**
 * @file What a training job said, read from lines that may hold anything: its log, in which launchers prefix, repeat and
 * decorate lines, and its `events.jsonl`. Pure; what is no event is passed over, so that no output can stop a run.
 */
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import type { TrainStep } from "../schema/records.ts";
import { EVENT_MARK, TrainingEvent } from "../schema/training-job.ts";

/** Longer lines are no events of ours. */
export const MAX_EVENT_CHARACTERS = 64 * 1024;
/** Events of one job that are kept; a step is one event. */
export const MAX_EVENTS = 1_000_000;

/** The event on a line of a job's log, wherever in it: after a prefix, before `[repeated 3x across cluster]`; undefined for none. */
export function eventOfLogLine(line: string): TrainingEvent | undefined {
  const at = line.indexOf(EVENT_MARK);
  return at < 0 ? undefined : parseEvent(line.slice(at + EVENT_MARK.length));
}

/** The event that a text begins with; undefined where it begins with none. */
export function parseEvent(text: string): TrainingEvent | undefined {
  if (text.length > MAX_EVENT_CHARACTERS) return undefined;
  const value = parseJson(text) ?? parseJson(text.slice(0, text.lastIndexOf("}") + 1));
  const parsed = TrainingEvent.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // anything may stand in a log
  }
}

/** A whole training as its events tell it; the last event of a step counts. */
export class TrainingStory {
  readonly #steps = new Map<number, StepEvent>();
  readonly #warnings = new Set<string>();
  #last = 0;
  #starts: StartEvent[] = [];
  #checkpoint: CheckpointEvent | undefined;
  #end: EndEvent | undefined;
  #failure: FailureEvent | undefined;
  #lastTime: number | undefined;
  #elapsedSeconds = 0;

  /** Takes an event; tells whether it is news: the same one may come many times. */
  take(event: TrainingEvent): boolean {
    if (Number.isFinite(event.time)) {
      this.#lastTime = Math.max(this.#lastTime ?? event.time, event.time);
    }
    if (Number.isFinite(event.elapsedSeconds))
      this.#elapsedSeconds = Math.max(this.#elapsedSeconds, event.elapsedSeconds ?? 0);
    switch (event.type) {
      case "start":
        return this.#takeStart(event);
      case "step": {
        if (this.#steps.size >= MAX_EVENTS) return false;
        const known = this.#steps.get(event.step);
        if (known !== undefined && known.time >= event.time) return false;
        this.#steps.set(event.step, event);
        this.#last = Math.max(this.#last, event.step);
        return true;
      }
      case "checkpoint":
        if ((this.#checkpoint?.time ?? Number.NEGATIVE_INFINITY) >= event.time) return false;
        this.#checkpoint = event;
        return true;
      case "warning":
        if (this.#warnings.has(event.message) || this.#warnings.size >= MAX_WARNINGS) return false;
        this.#warnings.add(event.message);
        return true;
      case "end":
        if (!this.#isNewest(event, this.#end)) return false;
        this.#end = event;
        return true;
      case "failure":
        if (!this.#isNewest(event, this.#failure)) return false;
        this.#failure = event;
        return true;
      default:
        return event satisfies never;
    }
  }

  /** A new start ends what an earlier try said of its end. */
  #takeStart(event: StartEvent): boolean {
    if (this.#starts.some(({ time }) => time === event.time)) return false;
    this.#starts = [...this.#starts, event].slice(-MAX_STARTS);
    if ((this.#end?.time ?? Number.POSITIVE_INFINITY) < event.time) this.#end = undefined;
    if ((this.#failure?.time ?? Number.POSITIVE_INFINITY) < event.time) this.#failure = undefined;
    return true;
  }

  /** Whether an end is none that was told before, and none of a try before: logs repeat their lines. */
  #isNewest({ time }: { readonly time: number }, known: { readonly time: number } | undefined): boolean {
    return time > (known?.time ?? Number.NEGATIVE_INFINITY) && time >= (this.start?.time ?? Number.NEGATIVE_INFINITY);
  }

  /** Steps in order, each once. */
  get steps(): readonly StepEvent[] {
    return [...this.#steps.values()].sort((a, b) => a.step - b.step);
  }

  /** Up to `count` steps before the newest and that one, in order. */
  latest(count: number): readonly StepEvent[] {
    const steps: StepEvent[] = [];
    for (let step = this.#last; step > this.#last - count; step--) {
      const event = this.#steps.get(step);
      if (event !== undefined) steps.push(event);
    }
    return steps.reverse();
  }

  /** The newest step that was seen; 0 before the first. */
  get lastStep(): number {
    return this.#last;
  }

  /** The start of the newest try. */
  get start(): StartEvent | undefined {
    return this.#starts.reduce<StartEvent | undefined>(
      (last, one) => (last === undefined || one.time >= last.time ? one : last),
      undefined,
    );
  }

  /** How often it began. */
  get tries(): number {
    return this.#starts.length;
  }

  get checkpoint(): CheckpointEvent | undefined {
    return this.#checkpoint;
  }

  get end(): EndEvent | undefined {
    return this.#end;
  }

  get failure(): FailureEvent | undefined {
    return this.#failure;
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Unix seconds of the newest event. */
  get lastTime(): number | undefined {
    return this.#lastTime;
  }

  /** Seconds that all tries together ran: by the trainer's own clock, else as far as the times of their events tell. */
  get ranSeconds(): number {
    if (this.#elapsedSeconds > 0) return this.#elapsedSeconds;
    const starts = this.#starts.map(({ time }) => time).sort((a, b) => a - b);
    const times = [...this.#steps.values()].map(({ time }) => time);
    if (this.#lastTime !== undefined) times.push(this.#lastTime);
    return starts.reduce((sum, start, i) => {
      const next = starts[i + 1] ?? Number.POSITIVE_INFINITY;
      const last = times.reduce((most, time) => (time >= start && time < next ? Math.max(most, time) : most), start);
      return sum + last - start;
    }, 0);
  }
}

const MAX_WARNINGS = 50;
const MAX_STARTS = 1000;

type EventOf<T extends TrainingEvent["type"]> = Extract<TrainingEvent, { type: T }>;
export type StartEvent = EventOf<"start">;
export type StepEvent = EventOf<"step">;
export type CheckpointEvent = EventOf<"checkpoint">;
export type EndEvent = EventOf<"end">;
export type FailureEvent = EventOf<"failure">;

/** The rows of `losses.jsonl`, as the embedded engine writes them. Steps without a finite loss have none. */
export function lossRows(steps: readonly StepEvent[]): TrainStep[] {
  return steps.flatMap(({ step, epoch, loss, gradientNorm, learningRate, tokens }) =>
    loss === null
      ? []
      : [
          {
            schemaVersion: SCHEMA_VERSION,
            step,
            epoch,
            loss,
            gradientNorm: gradientNorm ?? 0,
            learningRate,
            tokens,
          },
        ],
  );
}
