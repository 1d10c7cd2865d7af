/** @file What a generate job said, read from lines that may hold anything. Pure; what is no event is passed over. */
import { GenerateEvent } from "../schema/generate-job.ts";
import { EVENT_MARK } from "../schema/training-job.ts";

/** Longer lines are no events of ours. */
const MAX_EVENT_CHARACTERS = 64 * 1024;
/** Moments of events that are kept. */
const MAX_TIMES = 1_000_000;

type EventOf<T extends GenerateEvent["type"]> = Extract<GenerateEvent, { type: T }>;

/** The event on a line of a job's log, wherever in it; undefined for none. */
export function generateEventOfLogLine(line: string): GenerateEvent | undefined {
  const at = line.indexOf(EVENT_MARK);
  return at < 0 ? undefined : parseGenerateEvent(line.slice(at + EVENT_MARK.length));
}

/** The event that a text begins with; undefined where it begins with none. */
export function parseGenerateEvent(text: string): GenerateEvent | undefined {
  if (text.length > MAX_EVENT_CHARACTERS) return undefined;
  // A launcher may write something behind it.
  const parsed = GenerateEvent.safeParse(parseJson(text) ?? parseJson(text.slice(0, text.lastIndexOf("}") + 1)));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // anything may stand in a log
  }
}

/** A job as its events tell it. Lines come twice, and out of order between tries: the newest of a kind counts. */
export class GenerateStory {
  readonly #newest = new Map<string, GenerateEvent>();
  readonly #warnings = new Set<string>();
  #starts: EventOf<"start">[] = [];
  #ranSeconds = 0;
  readonly #times = new Set<number>();

  /** Takes an event; tells whether it is news. */
  take(event: GenerateEvent): boolean {
    if (!Number.isFinite(event.time) || !Number.isFinite(event.elapsedSeconds)) return false;
    if (this.#times.size < MAX_TIMES) this.#times.add(event.time);
    this.#ranSeconds = Math.max(this.#ranSeconds, event.elapsedSeconds);
    if (event.type === "warning") {
      const isNews = !this.#warnings.has(event.message) && this.#warnings.size < 1000;
      if (isNews) this.#warnings.add(event.message);
      return isNews;
    }
    const name = event.type === "progress" || event.type === "start" ? `${event.type}/${event.model}` : event.type;
    const known = this.#newest.get(name);
    if (known !== undefined && known.time >= event.time) return false;
    this.#newest.set(name, event);
    if (event.type === "start") this.#starts = [...this.#starts, event];
    return true;
  }

  /** How a try ended, unless another began since. */
  #ofNewestTry(type: "end" | "failure"): EventOf<"end"> | EventOf<"failure"> | undefined {
    const told = this.#newest.get(type) as EventOf<"end"> | EventOf<"failure"> | undefined;
    return told !== undefined && this.#starts.some(({ time }) => time > told.time) ? undefined : told;
  }

  /** Models' servers that answered, in order. */
  get starts(): readonly EventOf<"start">[] {
    return this.#starts;
  }

  /** How far a model is. */
  progress(model: string): EventOf<"progress"> | undefined {
    return this.#newest.get(`progress/${model}`) as EventOf<"progress"> | undefined;
  }

  /** How the newest try ended by itself, if it did. */
  get end(): EventOf<"end"> | EventOf<"failure"> | undefined {
    const ends = [this.#ofNewestTry("end"), this.#ofNewestTry("failure")].filter((each) => each !== undefined);
    return ends.sort((a, b) => b.time - a.time)[0];
  }

  /** Replies that are there, all models together. */
  get done(): number {
    let done = 0;
    for (const event of this.#newest.values()) if (event.type === "progress") done += event.done;
    return done;
  }

  /** Seconds of all tries together, as far as was told. */
  get ranSeconds(): number {
    return this.#ranSeconds;
  }

  /** When the first and the newest event came of those since then; all in Unix seconds. */
  timesSince(since: number): { readonly first: number | undefined; readonly last: number | undefined } {
    let [first, last]: [number | undefined, number | undefined] = [undefined, undefined];
    for (const time of this.#times) {
      if (time < since) continue;
      first = Math.min(first ?? time, time);
      last = Math.max(last ?? time, time);
    }
    return { first, last };
  }
}
