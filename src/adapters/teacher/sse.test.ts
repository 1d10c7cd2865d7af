import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SseEvent, SseReader } from "./sse.ts";

function read(...pieces: string[]): SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return events;
}

describe("events", () => {
  it.each([
    ["data: a\n\n", [{ event: "", data: "a" }]],
    [
      "data:a\r\n\r\ndata: b\r\r",
      [
        { event: "", data: "a" },
        { event: "", data: "b" },
      ],
    ],
    ["event: ping\ndata: {}\n\n", [{ event: "ping", data: "{}" }]],
    ["data: a\ndata: b\n\n", [{ event: "", data: "a\nb" }]],
    [": keep-alive\n\ndata: a\nid: 7\nretry: 3\nnonsense\n\n", [{ event: "", data: "a" }]],
    ["event: named\n\ndata: a\n\n", [{ event: "", data: "a" }]],
    ["data: forgotten end", [{ event: "", data: "forgotten end" }]],
    ["data:\n\n", [{ event: "", data: "" }]],
    ["", []],
  ])("of %j", (text, expected) => expect(read(text)).toEqual(expected));

  it("are the same however their text is cut", () => {
    const line = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "é", "😀", " ", ":", "{") }).map((text) => `data: ${text}`),
      fc.constantFrom("", ": comment", "event: x", "data"),
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 12 })
      .map((lines) => lines.flat().join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 8 }), (whole, cuts) => {
        const ends = [...cuts, whole.length].map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b);
        const pieces = ends.map((end, n) => whole.slice(ends[n - 1] ?? 0, end));
        expect(read(...pieces)).toEqual(read(whole));
      }),
    );
  });

  it("of no end are refused before they fill the memory", () => {
    const reader = new SseReader(() => undefined);
    const block = "x".repeat(1024 * 1024);
    const push = (): void => {
      for (let n = 0; n < 9; n++) reader.push(n === 0 ? `data: ${block}` : block);
    };
    expect(push).toThrow(RangeError);
    const lines = new SseReader(() => undefined);
    expect(() => {
      for (let n = 0; n < 9; n++) lines.push(`data: ${block}\n`);
    }).toThrow(RangeError);
  });
});
