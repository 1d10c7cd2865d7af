/** @file At most so many runs at a time; the others wait in order. */

import { setMaxListeners } from "node:events";

/** Runs `work` when a place is free. Rejects with the signal's reason when aborted while waiting. */
export type RunPool = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** A pool with `places` places. */
export function runPool(places: number): RunPool {
  let free = places;
  const waiting: (() => void)[] = [];
  const take = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return;
    }
    setMaxListeners(0, signal); // one for each run that waits or works, all gone when they are done
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      waiting.push(enter);
      signal.addEventListener("abort", abort, { once: true });
    });
  };
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (work, signal) => {
    await take(signal);
    try {
      return await work();
    } finally {
      giveBack();
    }
  };
}
