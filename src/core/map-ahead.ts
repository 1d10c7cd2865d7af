/** Applies `work` to every item, at most `limit` at once, and gives the results in the items' order. */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => undefined); // it is looked at when its turn comes
      ahead.push(result);
      if (ahead.length >= limit) yield await (ahead.shift() as Promise<R>);
    }
    while (ahead.length > 0) yield await (ahead.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(ahead); // after a failure the rest is not wanted, but must not be left running
  }
}
