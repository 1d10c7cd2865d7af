/** Where in a job's log one is, across connections: each begins at the start again, and entries have times but no numbers. */
export class HfLogPlace {
  #time = Number.NEGATIVE_INFINITY;
  /** Entries of that time that were read. */
  #countAtTime = 0;
  #isSkipping = false;
  #skippedAtTime = 0;

  /** The log is read from its start again. */
  restart(): void {
    this.#isSkipping = this.#countAtTime > 0;
    this.#skippedAtTime = 0;
  }

  /**
   * Whether the next entry was not read before.
   *
   * @param time Unix milliseconds; NaN where the hub does not tell
   */
  isNew(time: number): boolean {
    if (this.#isSkipping && time < this.#time) return false;
    if (this.#isSkipping && time === this.#time && this.#skippedAtTime < this.#countAtTime) {
      this.#skippedAtTime += 1;
      return false;
    }
    this.#isSkipping = false;
    this.#countAtTime = time === this.#time ? this.#countAtTime + 1 : 1;
    if (!Number.isNaN(time)) this.#time = time;
    return true;
  }
}
