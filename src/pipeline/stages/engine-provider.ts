import type { EngineHost } from "../../adapters/engine/open-engine.ts";

/** Opens the run's engine on first use and gives the same one to every stage; the command line closes it. */
export type EngineProvider = () => Promise<EngineHost>;

/** Resolves like `work`, but rejects at once when the signal aborts: an engine call cannot be taken back, only left. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
