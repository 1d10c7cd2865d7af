/** @file The lines of an output that grows, from its beginning to the job's end. */
import { AppError } from "../../core/errors.ts";
import { sleep } from "./interruption.ts";

/** Longer lines are cut: what a job prints is not ours to trust. */
const MAX_LINE = 1 << 20;
/** Looks in a row that may fail: minutes, at the longer pause. */
const MAX_FAILURES = 20;

/** An output and whoever knows whether it still grows. */
export interface GrowingOutput {
  /** Some bytes from this place on; none where there are none yet. */
  read(offset: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Whether the job has ended, so that what is there now is all. */
  isEnded(signal: AbortSignal): Promise<boolean>;
  /** Between two looks, milliseconds: the first while lines come, up to the second while none do. */
  readonly pollMs: readonly [number, number];
}

/**
 * Every line, without its end, as it comes; ends when the job has ended and everything is read, and quietly on the signal.
 * Progress bars, which go back to the line's beginning, are lines too. A line past 1 MiB is cut. Whoever is asked may be away for
 * a while.
 *
 * @throws AppError of what it was away for, after twenty looks in a row
 */
export async function* followLines(output: GrowingOutput, signal: AbortSignal): AsyncGenerator<string> {
  const splitter = new LineSplitter();
  let [pause] = output.pollMs;
  let failures = 0;
  let isEnded = false;
  for (let offset = 0; !isEnded && !signal.aborted; pause = Math.min(2 * pause, output.pollMs[1])) {
    try {
      const ended = await output.isEnded(signal); // before reading: nothing is written after the end
      for (let bytes = await output.read(offset, signal); bytes.length > 0; bytes = await output.read(offset, signal)) {
        offset += bytes.length;
        [pause] = output.pollMs;
        yield* splitter.take(bytes);
      }
      isEnded = ended;
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error) || ++failures >= MAX_FAILURES) throw error;
    }
    if (!isEnded) await sleep(pause, signal).catch(() => undefined); // the signal is looked at above
  }
  if (!signal.aborted) yield* splitter.rest();
}

const isPassing = (error: unknown): boolean =>
  error instanceof AppError && error.isRetryable && (error.code === "provider" || error.code === "network");

class LineSplitter {
  readonly #decoder = new TextDecoder();
  /** Of the line that has not ended yet. */
  #parts: string[] = [];
  #length = 0;
  /** Whether a carriage return stands last: a line feed may follow, and belongs to it. */
  #hasReturn = false;

  *take(bytes: Uint8Array): Generator<string> {
    let text = (this.#hasReturn ? "\r" : "") + this.#decoder.decode(bytes, { stream: true });
    this.#hasReturn = text.endsWith("\r");
    if (this.#hasReturn) text = text.slice(0, -1);
    const lines = text.split(/\r?\n|\r/);
    const unended = lines.pop() ?? "";
    for (const line of lines) {
      this.#keep(line);
      yield this.#line();
    }
    this.#keep(unended);
  }

  *rest(): Generator<string> {
    this.#keep(this.#decoder.decode());
    if (this.#length > 0) yield this.#line();
  }

  #keep(text: string): void {
    const kept = text.slice(0, MAX_LINE - this.#length);
    if (kept === "") return;
    this.#parts.push(kept);
    this.#length += kept.length;
  }

  #line(): string {
    const line = this.#parts.join("");
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
