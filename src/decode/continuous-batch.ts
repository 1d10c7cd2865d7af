/**
 * @file Requests that come and go while a model decodes: each is taken into a slot as one falls free, and leaves it when it is
 * done or given up. Callers take turns, so that one with many requests does not keep the others waiting.
 */
import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { openRow, type Generation, type Row, type RowRequest } from "./row.ts";
import type { TokenSource } from "./token-source.ts";

/** Who asks, and until when. */
export interface DecodeOptions {
  /** Gives the request up between two model calls: it rejects with `interrupted`, and its slot is free. */
  readonly signal?: AbortSignal | undefined;
  /** Requests of one caller wait for each other, those of several take turns; one caller unless told. */
  readonly caller?: string | undefined;
  /** Its own delimiters, such as another wait text; the batch's unless told. */
  readonly delimiters?: ThinkingDelimiters | undefined;
}

/** A request under way. */
export interface DecodeJob {
  /** One generation a setting, as far as it has come. */
  readonly generations: readonly Generation[];
  /** All of them. Rejects with `limit-exceeded` (it does not fit), `interrupted`, or what the model failed with. */
  readonly done: Promise<readonly Generation[]>;
}

/** How busy a batch is. */
export interface BatchLoad {
  readonly active: number;
  readonly waiting: number;
}

interface Waiting {
  readonly request: RowRequest;
  readonly delimiters: ThinkingDelimiters;
  readonly signal: AbortSignal | undefined;
  readonly generations: Generation[];
  resolve(generations: readonly Generation[]): void;
  reject(error: unknown): void;
}

interface Seat extends Waiting {
  readonly row: Row;
}

/** Decodes on one source for as long as it is asked; takes the source's slots over whatever they held. */
export class ContinuousBatch {
  readonly #source: TokenSource;
  readonly #delimiters: ThinkingDelimiters;
  readonly #onRound: () => void;
  /** Waiting requests by caller; the caller whose turn it is stands first. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #seats: (Seat | undefined)[];
  #isRunning = false;
  #closed: unknown;

  /** @param onRound called before each model call, and once when nothing is left */
  constructor(source: TokenSource, delimiters: ThinkingDelimiters, onRound: () => void = () => undefined) {
    this.#source = source;
    this.#delimiters = delimiters;
    this.#onRound = onRound;
    this.#seats = Array.from({ length: source.slots }, () => undefined);
  }

  get load(): BatchLoad {
    const waiting = [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0);
    return { active: this.#seats.filter((seat) => seat !== undefined).length, waiting };
  }

  /** Takes a request in. Its result does not depend on who else is there. */
  decode(request: RowRequest, options: DecodeOptions = {}): DecodeJob {
    const { signal, caller = "", delimiters = this.#delimiters } = options;
    const generations: Generation[] = [];
    const done = new Promise<readonly Generation[]>((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed as Error);
      this.#queue(caller, { request, delimiters, signal, generations, resolve, reject });
    });
    if (!this.#isRunning) void this.#run();
    return { generations, done };
  }

  /** Who gives up while waiting leaves the queue at once, and is told so. */
  #queue(caller: string, waiting: Waiting): void {
    const queue = this.#queues.get(caller) ?? [];
    queue.push(waiting);
    this.#queues.set(caller, queue);
    waiting.signal?.addEventListener("abort", () => this.#leave(caller, waiting), { once: true });
  }

  #leave(caller: string, waiting: Waiting): void {
    const queue = this.#queues.get(caller);
    const place = queue?.indexOf(waiting) ?? -1;
    if (queue === undefined || place === -1) return; // seated, or done
    queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(caller);
    waiting.reject(givenUp(waiting.signal));
  }

  /** Gives everything up with this error; later requests reject with it at once. */
  close(error: AppError): void {
    this.#closed = error;
    this.#fail(error);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Requests that are made in one turn of the event loop share their first call.
    await Promise.resolve();
    try {
      for (;;) {
        const round = this.#seats.flatMap((_, slot) => this.#nextCall(slot) ?? []);
        this.#onRound();
        if (round.length === 0) return;
        const tokens = await this.#source.extend(round.map(({ call }) => call));
        // Who was given up meanwhile has left: the token is nobody's.
        round.forEach(({ seat, call }, index) => {
          if (this.#seats[call.slot] === seat) seat.row.accept(tokens[index] as number);
        });
      }
    } catch (error) {
      this.#fail(error); // one model call failed: so will the others
    } finally {
      this.#isRunning = false;
    }
  }

  /** The slot's next model call, after whoever is done or gone has left; undefined when nobody wants the slot. */
  #nextCall(slot: number) {
    for (let seat = this.#seated(slot); seat !== undefined; seat = this.#seated(slot)) {
      const wanted = seat.row.next();
      this.#copy(seat);
      if (wanted !== undefined) {
        if (wanted.truncateTo !== undefined) this.#source.truncate(slot, wanted.truncateTo);
        return { seat, call: wanted.call };
      }
      this.#seats[slot] = undefined;
      seat.resolve(seat.generations);
    }
    return undefined;
  }

  #copy({ row, generations }: Seat): void {
    for (let k = generations.length; k < row.generations.length; k++)
      generations.push(row.generations[k] as Generation);
  }

  /** Who sits in the slot, or is seated now. */
  #seated(slot: number): Seat | undefined {
    const seat = this.#seats[slot];
    if (seat !== undefined && !isGivenUp(seat)) return seat;
    seat?.reject(givenUp(seat.signal));
    return (this.#seats[slot] = this.#seatNext(slot));
  }

  #seatNext(slot: number): Seat | undefined {
    for (let waiting = this.#take(); waiting !== undefined; waiting = this.#take()) {
      if (isGivenUp(waiting)) {
        waiting.reject(givenUp(waiting.signal));
        continue;
      }
      try {
        const place = { delimiters: waiting.delimiters, contextTokens: this.#source.contextTokens, slot };
        return { ...waiting, row: openRow(waiting.request, place) };
      } catch (error) {
        waiting.reject(error);
      }
    }
    return undefined;
  }

  /** The next request of the caller whose turn it is, who then goes to the end of the line. */
  #take(): Waiting | undefined {
    for (const [caller, queue] of this.#queues) {
      this.#queues.delete(caller);
      const first = queue.shift();
      if (queue.length > 0) this.#queues.set(caller, queue);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  #fail(error: unknown): void {
    for (const [slot, seat] of this.#seats.entries()) {
      this.#seats[slot] = undefined;
      seat?.reject(error);
    }
    for (const queue of this.#queues.values()) for (const waiting of queue) waiting.reject(error);
    this.#queues.clear();
  }
}

const isGivenUp = ({ signal }: Waiting): boolean => signal?.aborted === true;

/** The error of a request whose signal gave it up. */
export function givenUp(signal: AbortSignal | undefined): AppError {
  return new AppError("interrupted", "decoding was interrupted", { cause: signal?.reason, isRetryable: true });
}
