/** @file How far a large file is written or sent: one line rewritten on a terminal, elsewhere a line now and then. */
import { duration } from "../report/number-format.ts";
import type { CliContext } from "./context.ts";

const REDRAW_MS = 200;
const PLAIN_LINE_MS = 10_000;

/** Shows bytes done of all, to standard error. */
export function byteProgress(
  { process, terminal, clock }: Pick<CliContext, "process" | "terminal" | "clock">,
  what: string,
) {
  const started = clock.now();
  const every = terminal.isInteractive ? REDRAW_MS : PLAIN_LINE_MS;
  let [shownAt, isOpen] = [started, false];
  return {
    report: (done: number, total: number): void => {
      const now = clock.now();
      if (now - shownAt < every) return;
      shownAt = now;
      const rate = done / Math.max(1, now - started); // bytes a millisecond
      const left = rate > 0 ? `, ${duration((total - done) / rate / 1000)} left` : "";
      const line = `${what}: ${megabytes(done)} of ${megabytes(total)} MB${left}`;
      isOpen = terminal.isInteractive;
      process.stderr.write(isOpen ? `\r\u001b[2K${line}` : `${line}\n`);
    },
    end: (): void => {
      if (isOpen) process.stderr.write("\r\u001b[2K");
      isOpen = false;
    },
  };
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
