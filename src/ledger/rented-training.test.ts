import { expect, it } from "vitest";
import { rentedTraining } from "./rented-training.ts";

it("agrees with s1's own fine-tune: 32.8 billion parameters, 25 million tokens, about 7 H100-hours", () => {
  const { gpuHours, utilisation } = rentedTraining(32.8, 25e6);
  // 6 * 32.8e9 * 25e6 operations at a fifth of 989e12 a second
  expect(gpuHours[0]).toBeCloseTo(6.91, 2);
  expect(gpuHours[1]).toBeCloseTo(11.52, 1); // the repository's script took 11.7
  expect(utilisation).toEqual([0.12, 0.2]);
});

it("counts dollars from the cheapest hour to the dearest", () => {
  const { gpuHours, usd } = rentedTraining(7, 25e6);
  expect(usd[0]).toBeCloseTo(gpuHours[0] * 2.69, 6);
  expect(usd[1]).toBeCloseTo(gpuHours[1] * 10.9791, 6);
});
