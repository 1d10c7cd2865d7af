import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BoundedLine, boundedLines } from "./bounded-lines.ts";

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (let n = 0; start < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

async function linesOf(text: string, { sizes = [7], maxBytes = 100 } = {}): Promise<BoundedLine[]> {
  const found: BoundedLine[] = [];
  for await (const lines of boundedLines(inChunks(Buffer.from(text), sizes), maxBytes)) found.push(...lines);
  return found;
}

describe("boundedLines", () => {
  test("gives the same lines however the bytes arrive", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\u{1f600}", " ") }), { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.boolean(),
        async (lines, sizes, isEnded) => {
          const text = lines.join("\n") + (isEnded ? "\n" : "");
          const expected = isEnded || lines.at(-1) !== "" ? lines : lines.slice(0, -1);
          const found = await linesOf(text, { sizes, maxBytes: 1000 });
          expect(found.map(({ bytes }) => bytes?.toString("utf8"))).toEqual(expected);
          expect(found.map(({ number }) => number)).toEqual(expected.map((_, n) => n + 1));
        },
      ),
    ));

  test("a line above the limit is named with its length, and the next one is read", async () => {
    const found = await linesOf(`ab\n${"x".repeat(25)}\ncd`, { maxBytes: 20 });
    expect(found.map(({ sizeBytes, bytes }) => [sizeBytes, bytes?.toString() ?? null])).toEqual([
      [2, "ab"],
      [25, null],
      [2, "cd"],
    ]);
  });

  test("a line of exactly the limit is kept", async () => {
    expect((await linesOf("12345\n123456", { maxBytes: 5 })).map(({ bytes }) => bytes === null)).toEqual([false, true]);
  });

  test("line ends of Windows go, empty lines stay", async () => {
    expect((await linesOf("a\r\n\r\n\nb\r")).map(({ bytes }) => bytes?.toString())).toEqual(["a", "", "", "b"]);
  });
});
