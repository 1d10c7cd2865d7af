import fc from "fast-check";
import { expect, it } from "vitest";
import { canPairOff } from "./matching.ts";

/** By trying every order. */
function canByForce(table: readonly (readonly boolean[])[], i = 0, used: readonly number[] = []): boolean {
  if (i === table.length) return true;
  return table.some((_, j) => !used.includes(j) && table[i]?.[j] === true && canByForce(table, i + 1, [...used, j]));
}

it("finds a pairing exactly where trying every order finds one", () => {
  const tables = fc
    .integer({ min: 0, max: 5 })
    .chain((size) =>
      fc.array(fc.array(fc.boolean(), { minLength: size, maxLength: size }), { minLength: size, maxLength: size }),
    );
  fc.assert(
    fc.property(tables, (table) => {
      expect(canPairOff(table.length, (i, j) => table[i]?.[j] === true)).toBe(canByForce(table));
    }),
  );
});

it("asks about no pair twice", () => {
  const asked = new Set<string>();
  canPairOff(6, (i, j) => {
    expect(asked.has(`${i}/${j}`)).toBe(false);
    asked.add(`${i}/${j}`);
    return (i + j) % 3 === 0;
  });
});
