/**
 * @file Requests that come and go while a model decodes: each is taken into a slot as one falls free, and leaves it when it is
 * done or given up. Callers take turns, so that one with many requests does not keep the others waiting. A prompt that begins
 * as another of its caller did starts from what that one left (held-prefixes.ts).
 */
import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { HeldPrefixes } from "./held-prefixes.ts";
import { openRow, type Generation, type Row, type RowRequest } from "./row.ts";
import type { ExtendRow, ScoredTokens, TokenSource } from "./token-source.ts";

/** Who asks, and until when. */
export interface DecodeOptions {
  /** Gives the request up between two model calls: it rejects with `interrupted`, and its slot is free. */
  readonly signal?: AbortSignal | undefined;
  /** Requests of one caller wait for each other, those of several take turns; one caller unless told. */
  readonly caller?: string | undefined;
  /** Its own delimiters, such as another wait text; the batch's unless told. */
  readonly delimiters?: ThinkingDelimiters | undefined;
  /** Called before its first model call, with how many ids of its prompt are not computed again. */
  readonly onBegin?: ((reusedTokens: number) => void) | undefined;
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
  /** Replies that can be decoded at once. */
  readonly slots: number;
  readonly active: number;
  readonly waiting: number;
}

interface Waiting {
  readonly request: RowRequest;
  readonly caller: string;
  readonly onBegin: DecodeOptions["onBegin"];
  readonly delimiters: ThinkingDelimiters;
  readonly signal: AbortSignal | undefined;
  /** Called when it waits no longer: a listener that stays keeps a combined signal, and all behind it, for ever. */
  stopListening(): void;
  readonly generations: Generation[];
  resolve(generations: readonly Generation[]): void;
  reject(error: unknown): void;
}

interface Seat extends Waiting {
  readonly row: Row;
  readonly slot: number;
  hasBegun: boolean;
}

/** A model call: who takes part, and with what. */
interface Round {
  readonly seats: Seat[];
  readonly calls: ExtendRow[];
}

/** Decodes on one source for as long as it is asked; takes the source's slots over whatever they held. */
export class ContinuousBatch {
  readonly #source: TokenSource;
  readonly #delimiters: ThinkingDelimiters;
  readonly #onRound: () => void;
  /** Waiting requests by caller; the caller whose turn it is stands first. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #seats: (Seat | undefined)[];
  readonly #held: HeldPrefixes;
  #isRunning = false;
  #closed: unknown;

  /** @param onRound called before each model call, and once when nothing is left */
  constructor(source: TokenSource, delimiters: ThinkingDelimiters, onRound: () => void = () => undefined) {
    this.#source = source;
    this.#delimiters = delimiters;
    this.#onRound = onRound;
    this.#seats = Array.from({ length: source.slots }, () => undefined);
    this.#held = new HeldPrefixes(source);
  }

  get load(): BatchLoad {
    const waiting = [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0);
    return { slots: this.#seats.length, active: this.#seats.filter((seat) => seat !== undefined).length, waiting };
  }

  /** Takes a request in. Its result does not depend on who else is there. */
  decode(request: RowRequest, options: DecodeOptions = {}): DecodeJob {
    const { signal, caller = "", delimiters = this.#delimiters, onBegin } = options;
    const generations: Generation[] = [];
    const done = new Promise<readonly Generation[]>((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed as Error);
      const stopListening = (): void => signal?.removeEventListener("abort", leave);
      const waiting = { request, caller, onBegin, delimiters, signal, stopListening, generations, resolve, reject };
      const leave = (): void => this.#leave(waiting);
      signal?.addEventListener("abort", leave);
      this.#queue(waiting);
    });
    if (!this.#isRunning) void this.#run();
    return { generations, done };
  }

  #queue(waiting: Waiting): void {
    const queue = this.#queues.get(waiting.caller) ?? [];
    queue.push(waiting);
    this.#queues.set(waiting.caller, queue);
  }

  /** Who gives up while waiting leaves the queue at once, and is told so. */
  #leave(waiting: Waiting): void {
    const { caller } = waiting;
    const queue = this.#queues.get(caller);
    const place = queue?.indexOf(waiting) ?? -1;
    if (queue === undefined || place === -1) return; // seated, or done
    queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(caller);
    waiting.stopListening();
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
        const round = this.#nextRound();
        this.#onRound();
        if (round.seats.length === 0) return;
        this.#accept(round.seats, await this.#extend(round.calls));
      }
    } catch (error) {
      this.#fail(error); // one model call failed: so will the others
    } finally {
      this.#isRunning = false;
    }
  }

  #accept(seats: readonly Seat[], chosen: Int32Array | ScoredTokens): void {
    const [tokens, scores] = chosen instanceof Int32Array ? [chosen] : [chosen.tokens, chosen.scores];
    for (let index = 0; index < seats.length; index++) {
      const seat = seats[index] as Seat;
      this.#held.computed(seat.slot);
      // Who was given up meanwhile has left: the token is nobody's.
      if (this.#seats[seat.slot] === seat) seat.row.accept(tokens[index] as number, scores?.[index]);
    }
  }

  /** With scores where a row asks for them and the source has them. */
  #extend(rows: readonly ExtendRow[]): Promise<Int32Array | ScoredTokens> {
    const isScored = rows.some(({ scoreTop }) => scoreTop !== undefined);
    return (isScored ? this.#source.extendScored?.(rows) : undefined) ?? this.#source.extend(rows);
  }

  /** The next model call of everybody who wants one, those included who find a free slot. */
  #nextRound(): Round {
    const round: Round = { seats: [], calls: [] };
    for (const seat of this.#seats) this.#join(round, seat);
    while (this.#seats.includes(undefined)) {
      const waiting = this.#take();
      if (waiting === undefined) break;
      this.#join(round, this.#seat(waiting));
    }
    return round;
  }

  #join({ seats, calls }: Round, seat: Seat | undefined): void {
    const call = seat && this.#nextCall(seat);
    if (call === undefined) return;
    seats.push(seat as Seat);
    calls.push(call);
  }

  /** The seat's model call; undefined when it waits for a prefix that others compute, or is done or given up, and has left. */
  #nextCall(seat: Seat): ExtendRow | undefined {
    const { slot, row, request, caller } = seat;
    if (isGivenUp(seat)) return this.#giveUp(seat);
    if (!seat.hasBegun && !this.#held.prepare(slot, { promptIds: request.promptIds, caller })) return undefined;
    const wanted = row.next();
    if (wanted === undefined) return this.#finish(seat);
    if (wanted.truncateTo !== undefined) this.#source.truncate(slot, wanted.truncateTo);
    if (!seat.hasBegun)
      seat.onBegin?.(Math.min(request.promptIds.length, wanted.sequence.length - wanted.call.ids.length));
    seat.hasBegun = true;
    return wanted.call;
  }

  #giveUp(seat: Seat): undefined {
    this.#free(seat);
    seat.reject(givenUp(seat.signal));
  }

  #finish(seat: Seat): undefined {
    this.#free(seat);
    seat.resolve(seat.generations);
  }

  #free({ slot }: Seat): void {
    this.#seats[slot] = undefined;
    this.#held.touch(slot);
  }

  /** Gives a free slot to who waited; undefined where it is gone or cannot be served, and was told so. */
  #seat(waiting: Waiting): Seat | undefined {
    if (isGivenUp(waiting)) return refuse(waiting, givenUp(waiting.signal));
    const { request, caller, delimiters, generations } = waiting;
    const free = this.#seats.flatMap((seat, slot) => (seat === undefined ? slot : []));
    const slot = this.#held.choose({ promptIds: request.promptIds, caller }, free);
    const { contextTokens } = this.#source;
    try {
      const row = openRow(request, { delimiters, contextTokens, slot, content: this.#held.of(slot), generations });
      return (this.#seats[slot] = { ...waiting, row, slot, hasBegun: false });
    } catch (error) {
      return refuse(waiting, error);
    }
  }

  /** The next request of the caller whose turn it is, who then goes to the end of the line. */
  #take(): Waiting | undefined {
    for (const [caller, queue] of this.#queues) {
      this.#queues.delete(caller);
      const first = queue.shift();
      if (queue.length > 0) this.#queues.set(caller, queue);
      first?.stopListening();
      if (first !== undefined) return first;
    }
    return undefined;
  }

  #fail(error: unknown): void {
    this.#held.forget();
    for (const [slot, seat] of this.#seats.entries()) {
      this.#seats[slot] = undefined;
      seat?.reject(error);
    }
    for (const waiting of [...this.#queues.values()].flat()) {
      waiting.stopListening();
      waiting.reject(error);
    }
    this.#queues.clear();
  }
}

function refuse(waiting: Waiting, error: unknown): undefined {
  waiting.reject(error);
}

const isGivenUp = ({ signal }: Waiting): boolean => signal?.aborted === true;

/** The error of a request whose signal gave it up. */
export function givenUp(signal: AbortSignal | undefined): AppError {
  return new AppError("interrupted", "decoding was interrupted", { cause: signal?.reason, isRetryable: true });
}
