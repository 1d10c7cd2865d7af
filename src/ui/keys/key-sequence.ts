/** @file Which binding a row of key presses means: one key, or two one after the other. Pure. */

/** What a key does. */
export interface KeyBinding {
  /** One key or two, as they are called in `KeyboardEvent.key`: `?`, `g r`. */
  readonly keys: string;
  /** What it does, for the list of keys. */
  readonly what: string;
  readonly run: () => void;
}

/** The second key of two must come within this time, milliseconds. */
const PAUSE_MS = 1500;

/** Remembers a first key. */
export class KeySequence {
  #first = "";
  #at = Number.NEGATIVE_INFINITY;

  /** The binding that this press completes; undefined where it completes none. */
  press(key: string, atMs: number, bindings: readonly KeyBinding[]): KeyBinding | undefined {
    const first = atMs - this.#at <= PAUSE_MS ? this.#first : "";
    this.#first = "";
    const found =
      (first === "" ? undefined : bindings.find(({ keys }) => keys === `${first} ${key}`)) ??
      bindings.find(({ keys }) => keys === key);
    if (found === undefined && bindings.some(({ keys }) => keys.startsWith(`${key} `))) {
      this.#first = key;
      this.#at = atMs;
    }
    return found;
  }
}
