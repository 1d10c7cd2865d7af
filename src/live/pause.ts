/** @file Pauses between tokens: short ones so that a stop gets through, longer ones so that people can read along. */

/** Most milliseconds of work before messages are let in. */
const WORK_MS = 8;

/** What pausing needs of the browser. */
export interface PausePorts {
  readonly now: () => number;
  /** Resolves after all messages that wait now. */
  readonly turn: () => Promise<void>;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Waits before each token so that no more than so many a second come; null: only often enough to hear a stop. */
export function pauser(tokensPerSecond: number | null, { now, turn, sleep }: PausePorts): () => Promise<void> {
  let due = now();
  let lastTurn = now();
  return async () => {
    const at = now();
    if (tokensPerSecond !== null && due > at) {
      await sleep(due - at);
      lastTurn = now();
    } else if (at - lastTurn >= WORK_MS) {
      await turn();
      lastTurn = now();
    }
    if (tokensPerSecond !== null) due = Math.max(due, at) + 1000 / tokensPerSecond;
  };
}

/** The browser's (and Node's) own clock and queue. */
export function hostPausePorts(): PausePorts {
  return {
    now: () => performance.now(),
    // A message, not a timer: browsers stretch timers to four milliseconds, longer than a token takes.
    turn: () =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve();
        };
        port2.postMessage(null);
      }),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
}
