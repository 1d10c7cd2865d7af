/** One line of a stream of bytes, without its line end. */
export interface BoundedLine {
  /** From 1. */
  readonly number: number;
  /** Its length; of a line that is too long too. */
  readonly sizeBytes: number;
  /** Null for a line above the limit: it was read past, not kept. */
  readonly bytes: Buffer | null;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of other people's input, those of one chunk at a time, so that whoever answers them can do so before more
 * arrives. Unlike `readLines` a line that is too long does not end the reading. A last line needs no newline; memory is
 * bounded by one line and one chunk.
 */
export async function* boundedLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<readonly BoundedLine[]> {
  const line = new GrowingLine(maxLineBytes);
  for await (const chunk of chunks) {
    const lines: BoundedLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      line.grow(chunk.subarray(start, end));
      lines.push(line.take());
      start = end + 1;
    }
    if (start < chunk.length) line.grow(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (line.sizeBytes > 0) yield [line.take()];
}

class GrowingLine {
  readonly #maxBytes: number;
  #number = 1;
  #parts: Uint8Array[] = [];
  sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  grow(part: Uint8Array): void {
    this.sizeBytes += part.length;
    if (this.sizeBytes > this.#maxBytes) this.#parts = [];
    else this.#parts.push(part);
  }

  take(): BoundedLine {
    const { sizeBytes } = this;
    const whole = sizeBytes > this.#maxBytes ? null : Buffer.concat(this.#parts, sizeBytes);
    const bytes = whole?.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    const line = { number: this.#number, sizeBytes, bytes };
    this.#number += 1;
    this.#parts = [];
    this.sizeBytes = 0;
    return line;
  }
}
