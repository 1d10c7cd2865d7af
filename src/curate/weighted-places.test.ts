import fc from "fast-check";
import { expect, it } from "vitest";
import { WeightedPlaces } from "./weighted-places.ts";

it("finds the place of each unit of weight, also after places were closed", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 40 }), fc.array(fc.nat(39)), (weights, closed) => {
      const places = new WeightedPlaces(weights);
      for (const place of closed) if (place < weights.length) places.close(place);
      const units = weights.flatMap((weight, place) =>
        closed.includes(place) ? [] : Array.from({ length: weight }, () => place),
      );
      expect(places.total).toBe(units.length);
      expect(units.map((_, unit) => places.at(unit))).toEqual(units);
    }),
  );
});
