/** @file A smooth allowance: so much a minute, a second's worth of it at once. Pure: time is a parameter. */

const LEAST_WAIT_MS = 0.01;

/** A token bucket that may go into debt: what is taken must be paid back by waiting before more is given. */
export class FlowBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #balance: number;
  #at: number;

  /** @param perMinute what flows in; a second's worth, and at least 1, can be taken at once. */
  constructor(perMinute: number, now: number) {
    this.#perMs = perMinute / 60_000;
    this.#capacity = Math.max(1, perMinute / 60);
    this.#balance = this.#capacity;
    this.#at = now;
  }

  /** Milliseconds until `amount` may be taken; an amount above the capacity is given at a full bucket, on credit. */
  waitMs(amount: number, now: number): number {
    this.#refill(now);
    const missing = Math.min(amount, this.#capacity) - this.#balance;
    // A hair's breadth is forgiven: after exactly the wait, rounding must not ask for another, too small to be slept.
    return missing <= 1e-6 ? 0 : Math.max(LEAST_WAIT_MS, missing / this.#perMs);
  }

  /** Takes an amount, into debt if need be. */
  take(amount: number, now: number): void {
    this.#refill(now);
    this.#balance -= amount;
  }

  /** Gives back what was taken too much; a negative amount takes what was taken too little. */
  giveBack(amount: number): void {
    this.#balance = Math.min(this.#capacity, this.#balance + amount);
  }

  #refill(now: number): void {
    this.#balance = Math.min(this.#capacity, this.#balance + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = Math.max(this.#at, now);
  }
}
