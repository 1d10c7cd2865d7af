import { setMaxListeners } from "node:events";
import { prng } from "../../core/prng.ts";

/** Time, for pauses between tries. */
export interface Waiting {
  /** Milliseconds since an arbitrary moment. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Seeds the jitter. */
  readonly seed: number;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;

/**
 * The pause before a retry, ms: what the provider asked for and up to a quarter more, or else exponential, 0.5 s doubling
 * to a minute, of which 50 to 100 % is taken. The jitter is keyed by request and retry, so a storm does not come back as one.
 *
 * @param retry from 1.
 */
export function retryDelayMs(
  { key, retry, retryAfterMs }: { key: string; retry: number; retryAfterMs: number },
  seed: number,
): number {
  const jitter = prng(`${seed}/retry/${key}/${retry}`).next();
  if (retryAfterMs > 0) return retryAfterMs * (1 + jitter / 4);
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (retry - 1)) * (0.5 + jitter / 2);
}

/** Time of this machine. */
export function systemWaiting(seed: number): Waiting {
  return {
    seed,
    now: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        setMaxListeners(0, signal); // each pause listens until it ends: no leak
        signal.addEventListener("abort", end, { once: true });
      }),
  };
}
