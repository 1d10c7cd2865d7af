import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensors } from "./safetensors.ts";

/** A file from a header and its data, with nothing checked. */
function file(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function fault(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof AppError && error.code === "checkpoint-corrupt") return error.message;
    throw error;
  }
  throw new Error("the file was accepted");
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const bytesOf = (values: Uint16Array | Float32Array) => new Uint8Array(values.buffer);

describe("reading", () => {
  it("reads what PyTorch wrote", () => {
    const tensors = decodeSafetensors(readFileSync("fixtures/torch/qwen2-untied/model.safetensors"));
    expect(tensors.size).toBe(27);
    expect(tensors.get("lm_head.weight")).toMatchObject({ shape: [40, 16] });
    const norm = tensors.get("model.norm.weight") as { data: Float32Array };
    // Norm weights were drawn around 1, with a deviation of 0.2.
    expect(norm.data).toHaveLength(16);
    expect(norm.data.reduce((sum, value) => sum + value, 0) / 16).toBeCloseTo(1, 0);
    expect(norm.data.every((value) => value > 0.2 && value < 1.8)).toBe(true);
  });

  it.each([
    ["one", 0x3c00, 1],
    ["minus two", 0xc000, -2],
    ["largest", 0x7bff, 65504],
    ["smallest normal", 0x0400, 2 ** -14],
    ["smallest subnormal", 0x0001, 2 ** -24],
    ["minus zero", 0x8000, -0],
    ["infinity", 0xfc00, -Infinity],
    ["not a number", 0x7e00, NaN],
    ["a third", 0x3555, 0.333251953125],
  ])("reads F16: %s", (_, half, value) => {
    const tensors = decodeSafetensors(file({ x: entry("F16", [1], 0, 2) }, bytesOf(Uint16Array.of(half))));
    expect(tensors.get("x")?.data[0]).toBe(value);
  });

  it("reads BF16 as the upper half of an F32", () => {
    const data = bytesOf(Uint16Array.of(0x3f80, 0xc049, 0x7f80, 0x0001));
    expect([...(decodeSafetensors(file({ x: entry("BF16", [2, 2], 0, 8) }, data)).get("x")?.data ?? [])]).toEqual([
      1,
      -3.140625,
      Infinity,
      Math.fround(2 ** -133),
    ]);
  });

  it("reads from a view that starts at an odd byte", () => {
    const plain = encodeSafetensors(new Map([["x", { shape: [2], data: Float32Array.of(1, 2) }]]));
    const shifted = Buffer.concat([Buffer.of(0), plain]).subarray(1);
    expect([...(decodeSafetensors(shifted).get("x")?.data ?? [])]).toEqual([1, 2]);
  });
});

describe("writing", () => {
  const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    return fc.float32Array({ minLength: length, maxLength: length }).map((data) => ({ shape, data }));
  });
  const named = fc
    .array(
      fc.tuple(
        fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
        tensor,
      ),
      { maxLength: 6 },
    )
    .map((pairs): NamedTensors => new Map(pairs));

  it("is undone by reading, bit for bit", () => {
    fc.assert(
      fc.property(named, (tensors) => {
        const read = decodeSafetensors(encodeSafetensors(tensors));
        expect([...read.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [name, { shape, data }] of tensors) {
          expect(read.get(name)?.shape).toEqual(shape);
          expect(new Uint32Array(read.get(name)?.data.slice().buffer as ArrayBuffer)).toEqual(
            new Uint32Array(data.slice().buffer),
          );
        }
      }),
    );
  });

  it("gives the same bytes whatever the map's order, aligned to eight", () => {
    fc.assert(
      fc.property(named, (tensors) => {
        const bytes = encodeSafetensors(tensors, { b: "2", a: "1" });
        expect(encodeSafetensors(new Map([...tensors].reverse()), { a: "1", b: "2" })).toEqual(bytes);
        expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
      }),
    );
  });

  it("refuses to write a tensor whose shape lies", () => {
    expect(() => encodeSafetensors(new Map([["x", { shape: [3], data: new Float32Array(2) }]]))).toThrow(
      "2 values for shape [3]",
    );
  });
});

describe("a corrupt file", () => {
  it.each([
    ["nothing", new Uint8Array(0), "truncated: 0 bytes"],
    [
      "a huge header",
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 1),
      "header of 18446744073709551615 bytes exceeds the limit",
    ],
    ["a header past the end", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123), "the header ends at byte 17, the file at 9"],
    ["no JSON", file("{"), "the header is not JSON"],
    ["a list", file("[]"), "the header is not a JSON object"],
    ["an unknown type", file({ x: entry("I64", [1], 0, 8) }, new Uint8Array(8)), 'tensor "x": dtype'],
    ["a negative extent", file({ x: entry("F32", [-1], 0, 4) }, [0, 0, 0, 0]), 'tensor "x": shape.0'],
    [
      "a shape that does not fit",
      file({ x: entry("F32", [2], 0, 4) }, [0, 0, 0, 0]),
      'tensor "x": F32 of shape [2] needs 8 bytes, its offsets [0, 4] give 4',
    ],
    ["offsets the wrong way round", file({ x: entry("F32", [1], 4, 0) }, [0, 0, 0, 0]), "needs 4 bytes"],
    ["a product past all integers", file({ x: entry("F32", [2 ** 31, 2 ** 31], 0, 4) }, [0, 0, 0, 0]), 'tensor "x"'],
    [
      "an overlap",
      file({ x: entry("F32", [2], 0, 8), y: entry("F32", [2], 4, 12) }, new Uint8Array(12)),
      'tensor "y" starts at byte 4, inside the tensor before it',
    ],
    [
      "a hole",
      file({ x: entry("F32", [1], 0, 4), y: entry("F32", [1], 8, 12) }, new Uint8Array(12)),
      "bytes from 4 on belong to no tensor",
    ],
    ["bytes left over", file({ x: entry("F32", [1], 0, 4) }, [0, 0, 0, 0, 0]), "1 bytes after the last tensor"],
  ])("is refused: %s", (_, bytes, message) => {
    expect(fault(bytes)).toContain(message);
  });

  it("is refused wherever a good one is cut", () => {
    const whole = encodeSafetensors(
      new Map([
        ["x", { shape: [2], data: Float32Array.of(1, 2) }],
        ["y", { shape: [1], data: Float32Array.of(3) }],
      ]),
    );
    for (let length = 0; length < whole.length; length++)
      expect(fault(whole.slice(0, length)), `cut to ${length}`).toMatch(/truncated|not JSON/);
  });

  it("never makes the reader fail in another way, whatever one byte says", () => {
    const whole = encodeSafetensors(new Map([["x", { shape: [2], data: Float32Array.of(1, 2) }]]));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const bytes = whole.slice();
        bytes[at] = value;
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "checkpoint-corrupt" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
