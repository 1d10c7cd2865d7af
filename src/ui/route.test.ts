import fc from "fast-check";
import { expect, test } from "vitest";
import { hashOf, parseHash } from "./route.ts";

test("a hash leads back to its place, whatever a run is called", () => {
  const name = fc.string({ minLength: 1, unit: "grapheme" });
  fc.assert(
    fc.property(name, fc.constantFrom("overview", "money"), name, (run, view, value) => {
      const place = { view, run, query: { with: value } };
      expect(parseHash(hashOf(place))).toEqual(place);
    }),
  );
});

test("anything else leads to the list of runs, or says which view is not there", () => {
  for (const hash of ["", "#", "#/"]) expect(parseHash(hash)).toEqual({ view: "runs", run: null, query: {} });
  expect(parseHash("#/run/a")).toEqual({ view: "overview", run: "a", query: {} });
  expect(parseHash("#/run/100%/money").run).toBe("100%");
  expect(parseHash("#/nonsense").view).toBe("nonsense");
});
