import { expect, test } from "vitest";
import { InTurn } from "./in-turn.ts";

test("does one task at a time, in order, and goes on after one that failed", async () => {
  const inTurn = new InTurn();
  const told: string[] = [];
  const task = (name: string) => async (): Promise<void> => {
    told.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (name === "b") throw new Error("no");
    told.push(`${name} ends`);
  };
  const done = await Promise.allSettled(["a", "b", "c"].map((name) => inTurn.do(task(name))));
  expect(told).toEqual(["a begins", "a ends", "b begins", "c begins", "c ends"]);
  expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
