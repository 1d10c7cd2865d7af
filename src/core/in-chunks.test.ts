import { expect, it } from "vitest";
import { inChunks } from "./in-chunks.ts";

async function* upTo(count: number): AsyncGenerator<number> {
  for (let n = 1; n <= count; n++) yield n;
}

it.each([
  [0, []],
  [2, [[1, 2]]],
  [3, [[1, 2, 3]]],
  [7, [[1, 2, 3], [4, 5, 6], [7]]],
])("%i items by three together", async (count, expected) => {
  const chunks: number[][] = [];
  for await (const chunk of inChunks(upTo(count), 3)) chunks.push(chunk);
  expect(chunks).toEqual(expected);
});
