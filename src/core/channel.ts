/** A queue between callbacks and one `for await`: what is put in comes out in order, then its end or its failure. */
export interface Channel<T> extends AsyncIterable<T> {
  put(item: T): void;
  /** Nothing more comes; what is waiting is still given out. */
  end(): void;
  /** As `end`, after which the reader gets this error. */
  fail(error: unknown): void;
}

/** Opens a channel; it holds whatever its reader has not taken yet. */
export function openChannel<T>(): Channel<T> {
  const items: T[] = [];
  let ended: { readonly error?: unknown } | undefined;
  let wake: () => void = () => undefined;
  const close = (how: { readonly error?: unknown }): void => {
    ended ??= how;
    wake();
  };
  return {
    put: (item) => {
      items.push(item);
      wake();
    },
    end: () => close({}),
    fail: (error) => close({ error }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (items.length > 0) yield items.shift() as T;
        if (ended !== undefined) {
          if ("error" in ended) throw ended.error;
          return;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
