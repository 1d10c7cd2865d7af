import fc from "fast-check";
import { expect, it } from "vitest";
import { readPickledText } from "./pickled-text.ts";

const encoder = new TextEncoder();
const le = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, at) => Math.floor(value / 2 ** (8 * at)) % 256);

/** As Python 3.8 and later writes one text (protocol 4): framed when it is 4 bytes or more in all. */
function pickle4(text: string): Uint8Array {
  const utf8 = encoder.encode(text);
  const head = utf8.length < 256 ? [0x8c, utf8.length] : [0x58, ...le(utf8.length, 4)];
  const body = [...head, ...utf8, 0x94, 0x2e];
  const frame = utf8.length < 65_536 ? [0x95, ...le(body.length, 8)] : [];
  return Uint8Array.from([0x80, 4, ...frame, ...body]);
}

const reason = (bytes: readonly number[]): string => {
  const reading = readPickledText(Uint8Array.from(bytes));
  return reading.status === "error" ? reading.reason : `read ${JSON.stringify(reading.text)}`;
};

it("reads what Python's pickle.dumps wrote of a text, protocols 2 to 5", () => {
  // python3 -c 'import pickle; print(list(pickle.dumps("né", protocol=N)))'
  const written = [
    [128, 2, 88, 3, 0, 0, 0, 110, 195, 169, 113, 0, 46],
    [128, 3, 88, 3, 0, 0, 0, 110, 195, 169, 113, 0, 46],
    [128, 4, 149, 7, 0, 0, 0, 0, 0, 0, 0, 140, 3, 110, 195, 169, 148, 46],
    [128, 5, 149, 7, 0, 0, 0, 0, 0, 0, 0, 140, 3, 110, 195, 169, 148, 46],
  ];
  for (const bytes of written) expect(readPickledText(Uint8Array.from(bytes))).toEqual({ status: "ok", text: "né" });
});

it("reads any text back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
      const whole = new TextDecoder().decode(encoder.encode(text)); // without lone surrogates, which UTF-8 has not
      expect(readPickledText(pickle4(whole))).toEqual({ status: "ok", text: whole });
    }),
  );
  const long = "x".repeat(100_000);
  expect(readPickledText(pickle4(long))).toEqual({ status: "ok", text: long });
});

it.each<[string, readonly number[], string | RegExp]>([
  // cos\nsystem\n(S'true'\ntR. : what a hostile pickle does
  ["a call, protocol 0", [0x63, ...encoder.encode("os\nsystem\n(S'true'\ntR.")], "opcode PROTO stands first"],
  ["a call, protocol 2", [0x80, 2, 0x63, ...encoder.encode("os\nsystem\n")], "opcode GLOBAL at byte 2 is refused"],
  ["STACK_GLOBAL", [0x80, 4, 0x8c, 1, 0x61, 0x93, 0x2e], "opcode STACK_GLOBAL at byte 5 is refused"],
  ["REDUCE", [0x80, 4, 0x52], "opcode REDUCE at byte 2 is refused"],
  ["a list", [0x80, 4, 0x5d, 0x94, 0x2e], "opcode EMPTY_LIST at byte 2 is refused"],
  ["no opcode at all", [0x80, 4, 0xff], "opcode 0xff at byte 2 is refused"],
  ["nothing", [], "cut off at byte 0"],
  ["protocol 6", [0x80, 6, 0x2e], "protocol 6; 2 to 5 are read"],
  ["PROTO twice", [0x80, 4, 0x80, 4, 0x2e], "opcode PROTO stands first"],
  ["no text", [0x80, 4, 0x2e], "it holds no text"],
  ["two texts", [0x80, 4, 0x8c, 1, 0x61, 0x8c, 1, 0x62, 0x2e], "a second text at byte 7"],
  ["bytes after its end", [0x80, 4, 0x8c, 1, 0x61, 0x2e, 0], "1 bytes after its end"],
  ["a text longer than the bytes", [0x80, 4, 0x58, 255, 255, 255, 255, 0x61, 0x2e], "cut off at byte 9"],
  ["a text of 2^64-1 bytes", [0x80, 4, 0x8d, 255, 255, 255, 255, 255, 255, 255, 255, 0x2e], "cut off at byte 12"],
  ["a frame longer than the bytes", [0x80, 4, 0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x2e], "a frame longer than the bytes"],
  ["no UTF-8", [0x80, 4, 0x8c, 1, 0xff, 0x2e], "the text at byte 4 is not UTF-8"],
])("refuses %s", (_, bytes, message) => {
  expect(reason(bytes)).toMatch(message);
});

it("never throws, whatever the bytes, and never reads a mutated opcode as something else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const reading = readPickledText(Uint8Array.from([0x80, 4, ...bytes]));
      expect(["ok", "error"]).toContain(reading.status);
    }),
    { numRuns: 500 },
  );
  const bytes = pickle4("made here");
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const mutated = Uint8Array.from(bytes);
      mutated[at] = value;
      const reading = readPickledText(mutated);
      // Within the text any change gives another text; anywhere else it is refused or harmless, but never another text's length.
      if (reading.status === "ok") expect(encoder.encode(reading.text)).toHaveLength(9);
    }),
    { numRuns: 500 },
  );
});
