import fc from "fast-check";
import { expect, it } from "vitest";
import { prng } from "../../core/prng.ts";
import { SampleDraw } from "./draw-sample.ts";

const ids = Array.from({ length: 200 }, (_, i) => `q${i}`);

function draw(
  rows: readonly string[],
  options: { count: number; key?: string },
  groupsOf = (_: string): string[] => [],
) {
  const sample = new SampleDraw<string>({ key: "0", ...options });
  for (const id of rows) sample.add(id, id, groupsOf(id));
  return sample.drawn();
}

it("is the same whatever order the rows come in, without replacement, and another for another key", () => {
  const whole = draw(ids, { count: 20 });
  expect(new Set(whole).size).toBe(20);
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      expect(draw(prng(`${seed}`).shuffle(ids), { count: 20 })).toEqual(whole);
    }),
    { numRuns: 50 },
  );
  expect(draw(ids, { count: 20, key: "1" })).not.toEqual(whole);
});

it("gives all where fewer are there, and every row its chance", () => {
  expect(draw(ids.slice(0, 5), { count: 20 }).sort()).toEqual(ids.slice(0, 5));
  const times = new Map<string, number>();
  for (let key = 0; key < 2000; key++)
    for (const id of draw(ids, { count: 20, key: `${key}` })) times.set(id, (times.get(id) ?? 0) + 1);
  // 2,000 draws with chance 0.1 each: 200 on average, standard deviation 13.4; five of these either way.
  for (const id of ids) expect(Math.abs((times.get(id) ?? 0) - 200)).toBeLessThan(67);
});

it("balances over groups, and within a group over its own, as far as they go", () => {
  // Tasks a (100 rows, topics x and y as 90 to 10), b (90) and c (10).
  const place = (id: string): number => Number(id.slice(1));
  const groupsOf = (id: string): string[] => {
    const n = place(id);
    if (n < 100) return ["a", n < 90 ? "x" : "y"];
    return n < 190 ? ["b", "-"] : ["c", "-"];
  };
  const drawn = draw(ids, { count: 50 }, groupsOf).map((id) => groupsOf(id).join("/"));
  const times = (name: string): number => drawn.filter((one) => one === name).length;
  expect([times("a/x"), times("a/y"), times("b/-"), times("c/-")]).toEqual([10, 10, 20, 10]);
});
