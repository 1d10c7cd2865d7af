/** @file Work on one thing, done in the order in which it was asked for. */

/** Queues by name; of one name, only one does its work at a time. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Does `work` after all that was asked for under that name before, whatever became of it. Throws what `work` throws. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(work);
    const ended = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(name, ended);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === ended) this.#last.delete(name);
    }
  }
}
