import fc from "fast-check";
import { expect, test } from "vitest";
import { EventReader } from "./event-reader.ts";

test("gives the same events wherever the text is cut", () => {
  const text = 'event: value\ndata: {"a":1}\n\n:\n\nevent: fault\ndata: one\ndata: two\n\ndata: alone\n\n';
  const expected = [
    { type: "value", data: '{"a":1}' },
    { type: "fault", data: "one\ntwo" },
    { type: "message", data: "alone" },
  ];
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const places = [0, ...cuts, text.length].sort((a, b) => a - b);
      const reader = new EventReader();
      const parts = places.slice(1).map((end, at) => text.slice(places[at], end));
      expect(parts.flatMap((part) => reader.take(part))).toEqual(expected);
    }),
  );
});

test("keeps what has no end yet", () => {
  const reader = new EventReader();
  expect(reader.take("event: value\ndata: 1")).toEqual([]);
  expect(reader.take("2\n\n")).toEqual([{ type: "value", data: "12" }]);
});
