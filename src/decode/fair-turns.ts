/** @file A limit on how many go on at once, the others waiting in turns: a caller with many requests does not keep the rest waiting. */
import { AppError } from "../core/errors.ts";
import type { BatchLoad } from "./continuous-batch.ts";

interface Waiting {
  begin(): void;
  reject(error: unknown): void;
}

/** Lets so many in at once. */
export class FairTurns {
  readonly #places: number;
  /** Who waits, by caller; the caller whose turn it is stands first. */
  readonly #queues = new Map<string, Set<Waiting>>();
  #active = 0;
  #closed: unknown;

  constructor(places: number) {
    this.#places = places;
  }

  get load(): BatchLoad {
    const waiting = [...this.#queues.values()].reduce((sum, queue) => sum + queue.size, 0);
    return { slots: this.#places, active: this.#active, waiting };
  }

  /**
   * Waits for a place, does the work in it, and leaves it whatever came of the work.
   * @throws {AppError} interrupted (the signal, while it waits), what `close` was given, and whatever the work throws
   */
  async run<T>({ caller, signal }: { caller: string; signal: AbortSignal }, work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed;
    if (signal.aborted) throw givenUp(signal);
    if (this.#active < this.#places) this.#active++;
    else await this.#wait(caller, signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Turns away whoever waits, and whoever comes. */
  close(error: AppError): void {
    this.#closed = error;
    const waiting = [...this.#queues.values()].flatMap((queue) => [...queue]);
    this.#queues.clear();
    for (const each of waiting) each.reject(error);
  }

  #wait(caller: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#forget(caller, waiting);
        reject(givenUp(signal));
      };
      const settle = (end: () => void): void => {
        signal.removeEventListener("abort", onAbort);
        end();
      };
      const waiting: Waiting = {
        begin: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const queue = this.#queues.get(caller) ?? new Set();
      this.#queues.set(caller, queue.add(waiting));
    });
  }

  #forget(caller: string, waiting: Waiting): void {
    const queue = this.#queues.get(caller);
    queue?.delete(waiting);
    if (queue?.size === 0) this.#queues.delete(caller);
  }

  /** Hands the place to the caller whose turn it is, who then goes to the end of the line. */
  #leave(): void {
    for (const [caller, queue] of this.#queues) {
      this.#queues.delete(caller);
      const [first] = queue;
      if (first === undefined) continue;
      queue.delete(first);
      if (queue.size > 0) this.#queues.set(caller, queue);
      return first.begin();
    }
    this.#active--;
  }
}

function givenUp({ reason }: AbortSignal): AppError {
  return new AppError("interrupted", "decoding was interrupted", { cause: reason, isRetryable: true });
}
