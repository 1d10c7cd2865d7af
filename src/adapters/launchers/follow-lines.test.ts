import { expect, test } from "vitest";
import { AppError } from "../../core/errors.ts";
import { followLines } from "./follow-lines.ts";

/** An output that comes in these pieces, one a look. */
async function linesOf(
  pieces: readonly (string | Uint8Array)[],
  signal = new AbortController().signal,
): Promise<string[]> {
  let whole = Buffer.alloc(0);
  const rest = [...pieces];
  const lines: string[] = [];
  const output = {
    isEnded: async () => {
      const piece = rest.shift();
      if (piece !== undefined) whole = Buffer.concat([whole, Buffer.from(piece as string)]);
      return rest.length === 0;
    },
    read: async (offset: number) => whole.subarray(offset, offset + Math.max(7, whole.length >> 10)),
    pollMs: [1, 2] as const,
  };
  for await (const line of followLines(output, signal)) lines.push(line);
  return lines;
}

test("lines are whole, however they come, and the last one needs no end", async () => {
  expect(await linesOf(["on", "e\ntw", "o\r\nthree\n\nfo", "ur"])).toEqual(["one", "two", "three", "", "four"]);
});

test("a character that is cut between two pieces stays whole", async () => {
  const bytes = Buffer.from("Grüße\n");
  expect(await linesOf([bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(["Grüße"]);
});

test("each state of a progress bar is a line, a carriage return before its line feed is none", async () => {
  expect(await linesOf(["10 %\r20 %\r", "30 %\r", "\ndone\n"])).toEqual(["10 %", "20 %", "30 %", "done"]);
});

test("a line without end is cut at 1 MiB and takes no more memory than that", async () => {
  const lines = await linesOf(["x".repeat(1_500_000), "y\nshort\n"].map((text) => Buffer.from(text)));
  expect(lines.map(({ length }) => length)).toEqual([1 << 20, 5]);
}, 20_000);

test("the signal ends the lines quietly", async () => {
  const stop = new AbortController();
  stop.abort();
  expect(await linesOf(["one\n"], stop.signal)).toEqual([]);
});

test("an ssh that fails for a while costs no line; one that stays away is told", async () => {
  const away = new AppError("provider", "no route to host", { isRetryable: true });
  const text = Buffer.from("one\ntwo\n");
  const follow = async (failing: (look: number) => boolean, error: Error = away): Promise<string[]> => {
    let looks = 0;
    const lines: string[] = [];
    const answer = async <T>(value: T): Promise<T> => {
      looks += 1;
      if (failing(looks)) throw error;
      return value;
    };
    const isEnded = (): Promise<boolean> => answer(looks > 12);
    const read = (offset: number): Promise<Uint8Array> => answer(text.subarray(offset, offset + 4));
    for await (const line of followLines({ isEnded, read, pollMs: [1, 1] }, new AbortController().signal))
      lines.push(line);
    return lines;
  };
  expect(await follow((look) => look % 3 === 0)).toEqual(["one", "two"]);
  await expect(follow(() => true)).rejects.toBe(away);
  const denied = new AppError("provider-permanent", "denied");
  await expect(follow((look) => look === 1, denied)).rejects.toBe(denied);
});
