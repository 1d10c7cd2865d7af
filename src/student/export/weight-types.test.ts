import { expect, test } from "vitest";
import { halfToFloat } from "../checkpoint/safetensors.ts";
import { bytesAs, convertValues, encodeValues, halfBits } from "./weight-types.ts";

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;

test("every f16 comes back from its value", () => {
  const numbers = Array.from({ length: 0x10000 }, (_, half) => half).filter((half) => (half & 0x7fff) <= 0x7c00);
  expect(numbers.filter((half) => halfBits(bitsOf(halfToFloat(half))) !== half)).toEqual([]);
});

test("between two f16 the nearer one is taken, and the even one in the middle", () => {
  for (let half = 0; half < 0x7bff; half += 7) {
    const [low, high] = [halfToFloat(half), halfToFloat(half + 1)];
    const middle = (low + high) / 2;
    expect(halfBits(bitsOf(middle))).toBe(half % 2 === 0 ? half : half + 1);
    expect(halfBits(bitsOf(low + (high - low) * 0.45))).toBe(half);
    expect(halfBits(bitsOf(low + (high - low) * 0.55))).toBe(half + 1);
  }
});

test("bf16 is rounded to the nearest, ties to even", () => {
  const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -2, 3e38);
  expect([...new Uint16Array(encodeValues(values, "bf16", "w").buffer)]).toEqual([
    0x3f80, 0x3f80, 0x3f82, 0x3f81, 0xc000, 0x7f62,
  ]);
});

test("q8_0: a scale in f16, halves away from zero, zeros for a block of zeros", () => {
  const values = new Float32Array(64);
  values.set([127, -126.5, 0.5, 0.49, -0.5]);
  const bytes = encodeValues(values, "q8_0", "w");
  expect(bytes.length).toBe(bytesAs("q8_0", 64));
  expect([...bytes.subarray(0, 7)]).toEqual([0x00, 0x3c, 127, 256 - 127, 1, 0, 255]); // scale 1
  expect(bytes.subarray(34).every((byte) => byte === 0)).toBe(true);
});

test("what does not fit is refused, never made infinite", () => {
  expect(() => encodeValues(Float32Array.of(65_520), "f16", "w")).toThrow("w: a weight of 65520 does not fit");
  expect(encodeValues(Float32Array.of(Infinity), "f16", "w")).toEqual(Uint8Array.of(0x00, 0x7c));
  expect(() => encodeValues(new Float32Array(32).fill(NaN), "q8_0", "w")).toThrow("w: a weight of NaN");
});

test("values that have their type pass as they are; odd places in memory are no trouble", () => {
  const bytes = Uint8Array.of(0, 0x3f, 0x80, 0x3f, 0xc0).subarray(1);
  expect(convertValues({ dtype: "BF16", bytes }, "bf16", "w")).toBe(bytes);
  const little = Uint8Array.of(9, 0x80, 0x3f, 0x00, 0xc0).subarray(1);
  expect(convertValues({ dtype: "BF16", bytes: little }, "f32", "w")).toEqual(
    new Uint8Array(Float32Array.of(1, -2).buffer),
  );
});
