import { expect, test } from "vitest";
import { runPool } from "./run-pool.ts";

const { signal } = new AbortController();
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test("no more than the places run at once, all run, in the order in which they came", async () => {
  const pool = runPool(3);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const work = (n: number) => async (): Promise<number> => {
    started.push(n);
    running += 1;
    most = Math.max(most, running);
    await tick();
    running -= 1;
    return n;
  };
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => pool(work(n), signal)));
  expect(all).toEqual(started);
  expect(most).toBe(3);
});

test("a failure gives its place back; one that is aborted while waiting never runs and takes none", async () => {
  const pool = runPool(1);
  await expect(pool(() => Promise.reject(new Error("broken")), signal)).rejects.toThrow("broken");
  const controller = new AbortController();
  let wasRun = false;
  const first = pool(tick, signal);
  const second = pool(async () => {
    wasRun = true;
  }, controller.signal);
  controller.abort(new Error("enough"));
  await expect(second).rejects.toThrow("enough");
  await first;
  expect(await pool(() => Promise.resolve(7), signal)).toBe(7);
  expect(wasRun).toBe(false);
});
