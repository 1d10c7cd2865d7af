import { expect, test } from "vitest";
import { Kept } from "./kept.ts";

test("makes a value once for a stamp, also for those who ask at once", async () => {
  const kept = new Kept(() => 0);
  let made = 0;
  const get = (stamp: string) => kept.get("a", stamp, async () => (made += 1));
  expect(await Promise.all([get("1"), get("1")])).toEqual([1, 1]);
  expect(await get("2")).toBe(2);
});

test("what changes all the time and took a second is made again after twenty", async () => {
  let now = 0;
  const kept = new Kept(() => now);
  const get = (stamp: string, value: string) =>
    kept.getSeldom("a", stamp, async () => {
      now += 1000;
      return value;
    });
  expect(await get("1", "old")).toBe("old");
  now += 19_000;
  expect(await get("2", "new")).toBe("old");
  now += 1000;
  expect(await get("2", "new")).toBe("new");
});

test("what is asked for by a new stamp is never the old one, however long that took", async () => {
  let now = 0;
  const kept = new Kept(() => now);
  const slowly = (value: string) => async () => {
    now += 60_000;
    await Promise.resolve();
    return value;
  };
  const [old, next] = [kept.get("a", "1", slowly("old")), kept.get("a", "2", slowly("new"))];
  expect(await Promise.all([old, next])).toEqual(["old", "new"]);
  expect(await kept.get("a", "3", slowly("newest"))).toBe("newest");
});

test("forgets first what nobody asked for longest", async () => {
  const kept = new Kept(() => 0, 2);
  const made: string[] = [];
  const get = (name: string): Promise<string> => kept.get(name, "1", async () => (made.push(name), name));
  for (const name of ["a", "b", "a", "c", "a", "b"]) await get(name);
  expect(made).toEqual(["a", "b", "c", "b"]);
});

test("does not keep a failure", async () => {
  const kept = new Kept(() => 0);
  await expect(kept.get("a", "1", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await kept.get("a", "1", async () => 3)).toBe(3);
});
