import { untilFailure } from "./until-failure.ts";

/**
 * Applies `work` to every item, at most `limit` at once, and gives the results in the items' order. Where the items fail,
 * the results of those that came are given first; the first failure of `work` ends it.
 */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => void (failure = { error });
  try {
    for await (const item of untilFailure(items, fail)) {
      const result = work(item);
      result.catch(() => undefined); // it is looked at when its turn comes
      ahead.push(result);
      if (ahead.length >= limit) yield await (ahead.shift() as Promise<R>);
    }
    while (ahead.length > 0) yield await (ahead.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(ahead); // after a failure the rest is not wanted, but must not be left running
  }
  if (failure !== undefined) throw failure.error;
}
