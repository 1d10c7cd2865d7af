/** @file The lines of an output that grows, from its beginning to the job's end. */
import { throwIfInterrupted, sleep } from "./interruption.ts";

/** Longer lines are cut: what a job prints is not ours to trust. */
const MAX_LINE = 1 << 20;

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
 * Progress bars, which go back to the line's beginning, are lines too. A line past 1 MiB is cut.
 */
export async function* followLines(output: GrowingOutput, signal: AbortSignal): AsyncGenerator<string> {
  const splitter = new LineSplitter();
  let [pause] = output.pollMs;
  try {
    for (let offset = 0; ; pause = Math.min(2 * pause, output.pollMs[1])) {
      throwIfInterrupted(signal);
      const isEnded = await output.isEnded(signal); // before reading: nothing is written after the end
      for (;;) {
        const bytes = await output.read(offset, signal);
        if (bytes.length === 0) break;
        offset += bytes.length;
        [pause] = output.pollMs;
        yield* splitter.take(bytes);
      }
      if (isEnded) break;
      await sleep(pause, signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  yield* splitter.rest();
}

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
