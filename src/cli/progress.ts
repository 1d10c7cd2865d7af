/**
 * @file A run's progress as text. On a terminal: one line a stage, rewritten in place. Elsewhere: plain lines, few of them.
 * It goes to standard error, so that standard output holds the result alone.
 */
import type { Clock } from "../adapters/system-clock.ts";
import { AppError } from "../core/errors.ts";
import type { RunEvent, RunObserver } from "../pipeline/run-events.ts";
import type { StageProgress } from "../pipeline/stage.ts";
import { count, duration } from "../report/number-format.ts";
import { printable } from "./printable.ts";

/** Where progress goes. */
export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly clock: Clock;
  readonly isInteractive: boolean;
  readonly columns: number;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const NAME_WIDTH = 9;
const BAR_WIDTH = 20;

/** An observer that writes progress; at most one line is open at a time. */
export function showProgress(options: ProgressOptions): RunObserver {
  return options.isInteractive ? rewriting(options) : plainLines(options);
}

/** How far a stage was when it was first heard of: what an earlier try did says nothing about today's rate. */
interface Pace {
  readonly from: number;
  readonly at: number;
}

/** Progress as words: "1,200/4,000 questions, 812/s, 3 s left, loss 0.4". */
export function describeProgress(progress: StageProgress, pace: Pace, now: number): string {
  const { done, total, unit, note } = progress;
  const seconds = (now - pace.at) / 1000;
  const rate = seconds > 0 ? (done - pace.from) / seconds : 0;
  const parts = [`${count(done)}/${count(total)} ${unit}`];
  if (rate > 0 && seconds >= 0.5)
    parts.push(
      `${rate < 10 && !Number.isInteger(rate) ? rate.toFixed(1) : count(rate)}/s`,
      `${duration(Math.max(0, total - done) / rate)} left`,
    );
  if (note !== undefined) parts.push(note);
  return printable(parts.join(", "));
}

function rewriting({ write, clock, columns }: ProgressOptions): RunObserver {
  let pace: Pace | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isOpen = false;
  const draw = (line: string): void => {
    // One column stays free: a full line would wrap, and could not be taken back.
    write(`\r${line.slice(0, columns - 1)}\u001b[K`);
    isOpen = true;
  };
  const finish = (line: string): void => {
    write(`${isOpen ? "\r\u001b[K" : ""}${line}\n`);
    isOpen = false;
    pace = undefined;
    drawnAt = Number.NEGATIVE_INFINITY;
  };
  return (event) => {
    if (event.type === "stage-progress") {
      const now = clock.now();
      pace ??= { from: event.done, at: now };
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      draw(`${event.stage.padEnd(NAME_WIDTH)} ${bar(event)} ${describeProgress(event, pace, now)}`);
    } else if (event.type === "stage-start") {
      draw(`${event.stage.padEnd(NAME_WIDTH)} ${event.isResumed ? "going on where it stopped" : "..."}`);
    } else {
      const line = describeEvent(event);
      if (line !== undefined) finish(line);
    }
  };
}

function bar({ done, total }: StageProgress): string {
  const filled = total > 0 ? Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * done) / total)) : 0;
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}

function plainLines({ write, clock }: ProgressOptions): RunObserver {
  let pace: Pace | undefined;
  let writtenAt = 0;
  return (event) => {
    const now = clock.now();
    if (event.type === "stage-start") {
      pace = undefined;
      writtenAt = now;
      if (event.isResumed) write(`${event.stage}: going on where it stopped\n`);
    } else if (event.type === "stage-progress") {
      pace ??= { from: event.done, at: now };
      if (now - writtenAt < PLAIN_LINE_MS) return;
      writtenAt = now;
      write(`${event.stage}: ${describeProgress(event, pace, now)}\n`);
    } else {
      const line = describeEvent(event);
      if (line !== undefined) write(`${line}\n`);
    }
  };
}

/** The line that stays for an event that is over. */
function describeEvent(event: Exclude<RunEvent, { type: "stage-progress" | "stage-start" }>): string | undefined {
  switch (event.type) {
    case "stage-skip":
      return `${event.stage.padEnd(NAME_WIDTH)} done before`;
    case "stage-end":
      return `${event.stage.padEnd(NAME_WIDTH)} done in ${duration(event.seconds)}: ${printable(event.note)}`;
    case "stage-fail":
      return `${event.stage.padEnd(NAME_WIDTH)} ${isInterrupt(event.error) ? "stopped" : "failed"} after ${duration(event.seconds)}`;
    case "warning":
      return `warning: ${event.stage === undefined ? "" : `${event.stage}: `}${printable(event.message)}`;
    case "run-start":
    case "run-end":
      return undefined;
    default:
      return event satisfies never;
  }
}

function isInterrupt(error: unknown): boolean {
  return error instanceof AppError && error.code === "interrupted";
}
