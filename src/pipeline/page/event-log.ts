/** @file The events of a run, followed as they are written and kept small: hours of progress are two lines. */
import { joinPath } from "../../adapters/file-system.ts";
import { LineTail } from "../../adapters/store/tail-lines.ts";
import { RunEventLine, type StageName } from "../../schema/manifest.ts";
import type { StagePace } from "../../report/page/forecast.ts";

/** An event is a line of a few hundred bytes; longer ones are none of ours. */
const MAX_LINE_BYTES = 64 * 1024;
/** Of a run that was begun very often, so many events are kept, the newest. */
const MAX_EVENTS = 5000;

/** The events of one run so far. */
export class EventLog {
  readonly #tail: LineTail;
  #events: RunEventLine[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  constructor(runFolder: string) {
    this.#tail = new LineTail(joinPath(runFolder, "events.jsonl"), MAX_LINE_BYTES);
  }

  /** Oldest first; of the progress of one try at a stage only the first and the last. What is no event is left out. */
  async read(): Promise<readonly RunEventLine[]> {
    // One after the other: two readers at once would take each other's lines.
    const reading = this.#reading.then(() => this.#readOn());
    this.#reading = reading.catch(() => undefined);
    return await reading;
  }

  async #readOn(): Promise<readonly RunEventLine[]> {
    const { lines, isRestarted } = await this.#tail.read();
    const before = isRestarted ? [] : this.#events;
    if (lines.length > 0 || isRestarted)
      this.#events = withoutMiddle([...before, ...lines.flatMap(parseEvent)]).slice(-MAX_EVENTS);
    return this.#events;
  }
}

function parseEvent(line: string): RunEventLine[] {
  try {
    const { success, data } = RunEventLine.safeParse(JSON.parse(line));
    return success ? [data] : [];
  } catch {
    return []; // a line cut by a crash, with the next run's first line glued to it
  }
}

/** Leaves out progress that stands between two others of the same try. */
function withoutMiddle(events: readonly RunEventLine[]): RunEventLine[] {
  const isProgressOf = (event: RunEventLine | undefined, stage: StageName | undefined): boolean =>
    event?.type === "stage-progress" && event.stage === stage;
  return events.filter(
    (event, at) =>
      !(
        isProgressOf(events[at - 1], event.stage) &&
        isProgressOf(event, event.stage) &&
        isProgressOf(events[at + 1], event.stage)
      ),
  );
}

/** What was heard of the progress of the newest try at a stage: nothing, one event, or the first and the last. */
export function progressOfTry(events: readonly RunEventLine[], stage: StageName): readonly RunEventLine[] {
  const own = events.filter((event) => event.stage === stage);
  const start = own.map(({ type }) => type).lastIndexOf("stage-start");
  return own.slice(start + 1).filter(({ type }) => type === "stage-progress");
}

/** The pace of the newest try at a stage; null where nothing was heard of its progress. */
export function paceOf(events: readonly RunEventLine[], stage: StageName): StagePace | null {
  const progress = progressOfTry(events, stage);
  const [first, last] = [progress[0], progress.at(-1)];
  if (first === undefined || last?.total === undefined) return null;
  const point = (event: RunEventLine) => ({ done: event.done ?? 0, atMs: Date.parse(event.at) });
  return { first: point(first), last: point(last), total: last.total };
}
