import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("does what was asked for first, first, though it takes longer, and goes on after a failure", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const work = (name: string, ms: number) => async () => {
    await after(ms);
    log.push(name);
    return name;
  };
  const slow = turns.take("a", work("slow", 20));
  const failing = turns.take("a", () => Promise.reject(new Error("no")));
  const quick = turns.take("a", work("quick", 0));
  const other = turns.take("b", work("other", 0));
  await expect(failing).rejects.toThrow("no");
  expect(await Promise.all([slow, quick, other])).toEqual(["slow", "quick", "other"]);
  expect(log).toEqual(["other", "slow", "quick"]);
});
