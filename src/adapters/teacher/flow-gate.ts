/** @file The one door to each model of each provider: whoever asks it waits here, first come first served. */
import { prng } from "../../core/prng.ts";
import { FlowControl, type FlowLimits, type FlowOutcome, type FlowPass, type FlowRequest } from "./flow-control.ts";
import type { Waiting } from "./retry-delay.ts";

interface Waiter {
  readonly request: FlowRequest;
  readonly signal: AbortSignal;
  grant(pass: FlowPass): void;
}

/** Lets requests through as fast as {@link FlowControl} allows. */
export class FlowGate {
  readonly #control: FlowControl;
  readonly #waiting: Waiting;
  #queue: Waiter[] = [];
  #sleep: { readonly until: number; readonly ended: AbortController } | undefined;

  constructor(limits: FlowLimits, waiting: Waiting) {
    const random = prng(`${waiting.seed}/flow`);
    this.#waiting = waiting;
    this.#control = new FlowControl(limits, { now: waiting.now(), random: () => random.next() });
  }

  /**
   * Resolves when the request may be sent; the pass must be given back with `leave`. Undefined when `signal` aborts first.
   *
   * @param isRetry it was sent before: it goes first.
   */
  async enter(
    request: FlowRequest,
    { signal, isRetry }: { readonly signal: AbortSignal; readonly isRetry: boolean },
  ): Promise<FlowPass | undefined> {
    if (signal.aborted) return undefined;
    return await new Promise((resolve) => {
      const onAbort = (): void => {
        this.#queue = this.#queue.filter((other) => other !== waiter);
        resolve(undefined);
        this.#pump();
      };
      const grant = (pass: FlowPass): void => {
        signal.removeEventListener("abort", onAbort);
        resolve(pass);
      };
      const waiter = { request, signal, grant };
      signal.addEventListener("abort", onAbort, { once: true });
      if (isRetry) this.#queue.unshift(waiter);
      else this.#queue.push(waiter);
      this.#pump();
    });
  }

  /** Ends what {@link enter} granted. */
  leave(pass: FlowPass, outcome: FlowOutcome): void {
    this.#control.end(pass, outcome, this.#waiting.now());
    this.#pump();
  }

  #pump(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (head.signal.aborted) {
        this.#queue.shift(); // it ends itself
        continue;
      }
      const now = this.#waiting.now();
      const waitMs = this.#control.waitMs(head.request, now);
      if (waitMs > 0) return this.#wakeIn(waitMs, now);
      this.#queue.shift();
      head.grant(this.#control.start(head.request, now));
    }
    this.#sleep?.ended.abort(); // nobody waits: no timer may keep the process alive
    this.#sleep = undefined;
  }

  #wakeIn(waitMs: number, now: number): void {
    if (!Number.isFinite(waitMs)) return;
    const until = now + Math.ceil(waitMs);
    if (this.#sleep !== undefined && this.#sleep.until <= until) return;
    this.#sleep?.ended.abort();
    const sleep = { until, ended: new AbortController() };
    this.#sleep = sleep;
    void this.#waiting.sleep(until - now, sleep.ended.signal).then(() => {
      if (this.#sleep !== sleep) return;
      this.#sleep = undefined;
      this.#pump();
    });
  }
}

/** The gates of a run, one for each provider and model, whichever stage or role asks it. */
export class FlowGates {
  readonly #waiting: Waiting;
  readonly #gates = new Map<string, FlowGate>();

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** The gate of a model; the limits of whoever asks first count. */
  of({ provider, model }: { readonly provider: string; readonly model: string }, limits: FlowLimits): FlowGate {
    const name = `${provider}\n${model}`;
    let gate = this.#gates.get(name);
    if (gate === undefined) this.#gates.set(name, (gate = new FlowGate(limits, this.#waiting)));
    return gate;
  }
}
