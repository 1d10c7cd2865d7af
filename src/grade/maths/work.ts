/** @file A bound on the arithmetic of one comparison, in place of a timer: the same input costs the same everywhere. */

/** Units of work: about a microsecond each (Node 20, one core of an AMD EPYC). */
export class Work {
  #left: number;

  constructor(units: number) {
    this.#left = units;
  }

  /** Whether there was so much left. */
  spend(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0;
  }

  /** Whether something was left undone. */
  get isSpent(): boolean {
    return this.#left < 0;
  }
}
