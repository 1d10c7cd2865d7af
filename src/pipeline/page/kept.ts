/**
 * @file What is dear to read, kept. A value is made again when its stamp changes, but not before some time that grows with
 * what making it took: a page that looks on must not slow down the run it looks at.
 */

/** Of the time, making one value again and again may take so much. */
const MOST_SHARE = 1 / 20;
/** Values kept where nothing else is said, those forgotten first that nobody asked for longest: several of each run of a full folder. */
const MOST_VALUES = 2000;

interface Entry {
  readonly stamp: string;
  readonly value: Promise<unknown>;
  /** When it may be made again although nobody has its old stamp; milliseconds of the clock. */
  notBefore: number;
}

/** Values by name. */
export class Kept {
  readonly #now: () => number;
  readonly #most: number;
  readonly #entries = new Map<string, Entry>();

  /**
   * @param now milliseconds of a clock that never goes back
   * @param most values kept
   */
  constructor(now: () => number, most = MOST_VALUES) {
    this.#now = now;
    this.#most = most;
  }

  /** The value of that name: the kept one while its stamp holds or it is too early for another. What fails is not kept. */
  async get<T>(name: string, stamp: string, make: () => Promise<T>): Promise<T> {
    const kept = this.#entries.get(name);
    if (kept !== undefined && (kept.stamp === stamp || this.#now() < kept.notBefore)) {
      this.#entries.delete(name);
      this.#entries.set(name, kept);
      return (await kept.value) as T;
    }
    const began = this.#now();
    const entry: Entry = { stamp, value: make(), notBefore: Number.POSITIVE_INFINITY };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    for (const oldest of [...this.#entries.keys()].slice(0, -this.#most)) this.#entries.delete(oldest);
    try {
      const value = (await entry.value) as T;
      entry.notBefore = this.#now() + (this.#now() - began) / MOST_SHARE;
      return value;
    } catch (error) {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
      throw error;
    }
  }
}
