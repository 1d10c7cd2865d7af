/** @file Grades JSON lines as they come: one output line for each input line, in the same order, in flat memory. */
import { type BoundedLine, boundedLines } from "../adapters/store/bounded-lines.ts";
import type { Clock } from "../adapters/system-clock.ts";
import { GoldCache } from "../grade/gold-cache.ts";
import type { GradeProfile } from "../grade/grade-answer.ts";
import { gradeLine, type RawLine } from "../grade/grade-line.ts";
import { type GradeSummary, GradeTally } from "../grade/grade-tally.ts";

/** Longest line that is graded: a reply of 32,000 tokens takes a tenth of it. Longer ones get an error row. */
export const MAX_ROW_BYTES = 4 * 1024 * 1024;

/** Output is handed on at this many characters, and at the end of what one read of the input brought. */
const BLOCK_LENGTH = 1 << 16;

/** Where lines come from and go to. */
export interface GradeStreams {
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the text was taken; false when nobody reads any more. */
  readonly write: (text: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What was graded, and how fast. */
export interface GradeRunSummary extends GradeSummary {
  readonly seconds: number;
  readonly rowsPerSecond: number | null;
}

/** Grades until the input ends or nobody reads on. Throws the signal's reason when it is aborted; whole lines were written. */
export async function gradeLines(streams: GradeStreams, profile: GradeProfile): Promise<GradeRunSummary> {
  const { clock } = streams;
  const start = clock.now();
  const tally = new GradeTally();
  const grading = { golds: new GoldCache(), profile };
  const answer = (line: BoundedLine): string => {
    const row = gradeLine(decode(line), grading);
    tally.add(row);
    return `${JSON.stringify(row)}\n`;
  };
  for await (const lines of boundedLines(streams.input, MAX_ROW_BYTES)) {
    if (!(await answerAll(lines, answer, streams))) break;
  }
  streams.signal.throwIfAborted();
  const seconds = (clock.now() - start) / 1000;
  const summary = tally.summary();
  return { ...summary, seconds, rowsPerSecond: seconds > 0 ? summary.rows / seconds : null };
}

async function answerAll(
  lines: readonly BoundedLine[],
  answer: (line: BoundedLine) => string,
  { write, signal }: GradeStreams,
): Promise<boolean> {
  let block = "";
  for (const line of lines) {
    block += answer(line);
    if (block.length < BLOCK_LENGTH) continue;
    if (!(await write(block))) return false;
    block = "";
    signal.throwIfAborted();
  }
  return block === "" || (await write(block));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decode({ number, bytes, sizeBytes }: BoundedLine): RawLine {
  if (bytes === null) return { number, problem: `the line has ${sizeBytes} bytes; the limit is ${MAX_ROW_BYTES}` };
  try {
    return { number, text: utf8.decode(bytes) };
  } catch {
    return { number, problem: "the line is not UTF-8" };
  }
}
