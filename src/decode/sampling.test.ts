import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { chooseToken } from "./sampling.ts";

const greedy = { forbidden: [], temperature: 0, key: "row", position: 0 };

describe("greedy choice", () => {
  it.each([
    ["the largest logit", [1, 3, 2], [], 1],
    ["the lowest id among equals", [1, 3, 3], [], 1],
    ["the next best when the best is forbidden", [1, 3, 2], [1], 2],
    ["a logit of minus infinity never wins", [Number.NEGATIVE_INFINITY, -1e30], [], 1],
  ])("%s", (_, logits, forbidden, expected) => {
    expect(chooseToken(new Float32Array(logits), { ...greedy, forbidden })).toBe(expected);
  });
  it.each([
    ["NaN", [0, Number.NaN], []],
    ["plus infinity", [0, Number.POSITIVE_INFINITY], []],
    ["nothing left", [1, 2], [0, 1]],
  ])("refuses %s", (_, logits, forbidden) => {
    const choose = () => chooseToken(new Float32Array(logits), { ...greedy, forbidden });
    expect(choose).toThrow(AppError);
    expect(choose).toThrow(expect.objectContaining({ code: "engine" }));
  });
});

describe("sampling", () => {
  const logits = new Float32Array([Math.log(1), Math.log(2), Math.log(5)]);
  it("draws by the softmax at temperature 1 (shares 1/8, 2/8, 5/8 of 4,000 keys, three standard errors)", () => {
    const counts = [0, 0, 0];
    for (let position = 0; position < 4_000; position++) {
      const id = chooseToken(logits, { ...greedy, temperature: 1, position });
      counts[id] = (counts[id] as number) + 1;
    }
    [1 / 8, 2 / 8, 5 / 8].forEach((share, id) => {
      expect(Math.abs((counts[id] as number) / 4_000 - share)).toBeLessThan(
        3 * Math.sqrt((share * (1 - share)) / 4_000),
      );
    });
  });
  it("squares the shares at temperature 1/2 (1/30, 4/30, 25/30)", () => {
    let best = 0;
    for (let position = 0; position < 2_000; position++) {
      if (chooseToken(logits, { ...greedy, temperature: 0.5, position }) === 2) best++;
    }
    expect(Math.abs(best / 2_000 - 25 / 30)).toBeLessThan(3 * Math.sqrt(((25 / 30) * (5 / 30)) / 2_000));
  });
  it("depends on the key and the position, which are kept apart", () => {
    const flat = new Float32Array(1_000);
    const at = (key: string, position: number) => chooseToken(flat, { ...greedy, temperature: 1, key, position });
    expect(at("a", 12)).toBe(at("a", 12));
    expect(new Set([at("a", 12), at("a1", 2), at("a", 13), at("b", 12)]).size).toBe(4);
  });
  it("never draws a forbidden id or one of probability 0", () => {
    const anyLogits = fc.array(fc.constantFrom(0, 1, -2, 30, Number.NEGATIVE_INFINITY), { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(anyLogits, fc.integer({ min: 0, max: 7 }), fc.nat(), (values, banned, position) => {
        const allowed = values.flatMap((value, id) => (id !== banned && value > Number.NEGATIVE_INFINITY ? [id] : []));
        fc.pre(allowed.length > 0);
        const id = chooseToken(new Float32Array(values), { forbidden: [banned], temperature: 1.5, key: "k", position });
        expect(allowed).toContain(id);
      }),
    );
  });
});
