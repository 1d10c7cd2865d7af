import { expect, it } from "vitest";
import { untilFailure } from "./until-failure.ts";

async function* failing(): AsyncGenerator<number> {
  yield 1;
  yield 2;
  throw new Error("source");
}

it("gives what came, and tells the failure", async () => {
  const seen: unknown[] = [];
  for await (const n of untilFailure(failing(), (error) => seen.push((error as Error).message))) seen.push(n);
  expect(seen).toEqual([1, 2, "source"]);
});

it("is not told of the failures of whoever takes the items", async () => {
  const told: unknown[] = [];
  const take = async (): Promise<void> => {
    for await (const n of untilFailure(failing(), (error) => told.push(error))) throw new Error(`taker at ${n}`);
  };
  await expect(take()).rejects.toThrow("taker at 1");
  expect(told).toEqual([]);
});
