/** @file Tasks one after the other, in the order in which they came. */

/** Does one task at a time. */
export class InTurn {
  #last: Promise<void> = Promise.resolve();

  /** Does the task when those before it are done, whatever became of them. Rejects as it does. */
  async do(task: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    await turn;
  }
}
