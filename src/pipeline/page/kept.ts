/**
 * @file What is dear to read, kept, and made again when its stamp changes. What changes all the time is not made again before some
 * time that grows with what making it took: a page that looks on must not slow down the run it looks at.
 */

/** Of the time, making one value again and again may take so much. */
const MOST_SHARE = 1 / 20;
/** Values kept where nothing else is said, those forgotten first that nobody asked for longest: several of each run of a full folder. */
const MOST_VALUES = 2000;

interface Entry {
  readonly stamp: string;
  readonly value: Promise<unknown>;
  /** When what is made seldom may be made again although its stamp has changed; milliseconds of the clock. */
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

  /** The value of that name, or the kept one of an older stamp while it is too early for another: for stamps that change all the time. */
  async getSeldom<T>(name: string, stamp: string, make: () => Promise<T>): Promise<T> {
    const kept = this.#entries.get(name);
    const isEarly = kept !== undefined && this.#now() < kept.notBefore;
    return await this.get(name, isEarly ? kept.stamp : stamp, make);
  }

  /** The value of that name and stamp, kept while nobody asks by another stamp. What fails is not kept. */
  async get<T>(name: string, stamp: string, make: () => Promise<T>): Promise<T> {
    const kept = this.#entries.get(name);
    if (kept?.stamp === stamp) {
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
