/** @file Server-sent events out of what is found bit by bit: the reader's pace is the search's, and who leaves ends it. */

/** Where parts come from. */
export interface PartsOptions {
  readonly parts: AsyncGenerator<unknown>;
  /** Makes of an error the last event. */
  readonly faultOf: (error: unknown) => unknown;
  readonly signal: AbortSignal;
  /** Called once when it has ended, however. */
  readonly onEnd: () => void;
}

/** The body; it ends with the parts. */
export function streamParts({ parts, faultOf, signal, onEnd }: PartsOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    onEnd();
    // A search that waits for the disk ends when it next looks; nobody waits for it.
    parts.return(undefined).catch(() => undefined);
  };
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const send = (type: string, value: unknown): void =>
        controller.enqueue(encoder.encode(`event: ${type}\ndata: ${JSON.stringify(value)}\n\n`));
      try {
        const { done, value } = signal.aborted ? { done: true, value: undefined } : await parts.next();
        // Who left meanwhile has ended the stream.
        if (isOver) return;
        if (!done) return send("value", value);
      } catch (error) {
        if (isOver) return;
        send("fault", faultOf(error));
      }
      finish();
      controller.close();
    },
    cancel: finish,
  });
}
