import { describe, expect, test } from "vitest";
import { GPU_KINDS, gpuKind, gpusOfFlavor } from "./gpu-offers.ts";
import { gpuHourPrice, gpuTimeCost, gpuTimeFor } from "./gpu-price.ts";
import {
  bytesOnEach,
  gpusNeeded,
  modelFlops,
  sizeByParameters,
  trainingHours,
  trainingMemory,
  utilisationOf,
} from "./training-forecast.ts";
import { trainingWays } from "./training-shop.ts";
import { Launcher, type LauncherFields } from "../schema/training-fields.ts";

const kind = (gpu: string) => GPU_KINDS.find((one) => one.gpu === gpu)!;
/** s1: 1,000 examples of 4.7 million tokens and some, 5 epochs. */
const S1 = {
  method: "full",
  tokens: [25e6, 25e6],
  meanLength: 7000,
  longest: 32_768,
  microBatch: 1,
  gradientCheckpointing: true,
} as const;
const S1_32B = sizeByParameters(32.8e9);

describe("s1's own fine-tune is within what is forecast", () => {
  test("operations: 6 a parameter and token, and attention", () => {
    const parameters = modelFlops(S1_32B, { ...S1, tokens: 25e6, meanLength: 0 });
    expect(parameters).toBeCloseTo(6 * 32.8e9 * 25e6, -10);
    const attention = modelFlops(S1_32B, { ...S1, tokens: 25e6 }) - parameters;
    expect(attention).toBeCloseTo(6 * 64 * 5120 * 7000 * 25e6, -10);
    expect(modelFlops(S1_32B, { ...S1, method: "lora", tokens: 25e6, meanLength: 0 })).toBeCloseTo(
      (parameters * 2) / 3,
      -10,
    );
  });

  test("26 minutes on 16 H100 lie between low and high, and so does the share of the peak", () => {
    const { hours } = trainingHours(S1_32B, S1, { kind: kind("H100"), gpus: 16 });
    const loading = 120 / 3600; // s1's minutes are of the training alone
    expect(hours[0] - loading).toBeLessThan(26 / 60);
    expect(hours[1]).toBeGreaterThan(26 / 60);
    const flops = modelFlops(S1_32B, { ...S1, tokens: 25e6 });
    expect(utilisationOf(flops, { gpus: 16, kind: kind("H100"), seconds: 26 * 60 })).toBeCloseTo(0.213, 3);
  });

  test("it fits 16 H100, as it did, and not 4", () => {
    const memory = trainingMemory(S1_32B, S1);
    expect(gpusNeeded(memory, kind("H100"), "full")).toBe(16);
    expect(bytesOnEach(memory, 4, "full")[0]).toBeGreaterThan(kind("H100").memoryBytes);
  });
});

describe("memory", () => {
  const work = { ...S1, longest: 8192 };
  test.each([
    // scale-and-deps 4.4: 7 to 8 billion want 125 to 140 GB for a full fine-tune, LoRA about 2 bytes a parameter
    [7.6e9, "full", [125e9, 150e9]],
    [7.6e9, "lora", [15e9, 33e9]],
    [0.5e9, "full", [8e9, 17e9]],
  ] as const)("%d parameters, %s", (parameters, method, [least, most]) => {
    const [low, high] = bytesOnEach(trainingMemory(sizeByParameters(parameters), { ...work, method }), 1, method);
    expect(low).toBeGreaterThan(least);
    expect(high).toBeLessThan(most);
  });

  test("more GPUs share a full fine-tune's weights, and not those of adapters", () => {
    const memory = trainingMemory(sizeByParameters(7.6e9), work);
    expect(bytesOnEach(memory, 8, "full")[1]).toBeLessThan(bytesOnEach(memory, 1, "full")[1] / 3);
    expect(bytesOnEach(memory, 8, "lora")).toEqual(bytesOnEach(memory, 1, "lora"));
  });
});

describe("prices", () => {
  const launcher = (fields: object): LauncherFields => Launcher.parse(fields);
  test.each([
    [{ type: "torchrun" }, 0, "your own"],
    [{ type: "torchrun", gpuUsdPerHour: 2 }, 2_000_000, "recipe"],
    [
      { type: "ray", storage: "/mnt", gpu: "H100" },
      10_979_100,
      "Google Cloud billing catalogue, a3-highgpu-1g in us-central1",
    ],
    [{ type: "hf-jobs", flavor: "h200x8" }, 5_000_000, "https://huggingface.co/docs/hub/jobs-pricing"],
    [{ type: "hf-jobs", flavor: "a100-large" }, 2_500_000, "https://huggingface.co/docs/hub/jobs-pricing"],
  ])("%j", (fields, microUsdPerGpuHour, source) => {
    expect(gpuHourPrice(launcher(fields))).toMatchObject({ microUsdPerGpuHour, source });
  });

  test("hardware of Hugging Face Jobs that the table lacks has no price", () => {
    expect(gpuHourPrice(launcher({ type: "hf-jobs", flavor: "tpu-9" }))).toBeUndefined();
    expect(gpusOfFlavor("l40sx4")).toEqual({ gpu: "L40S", count: 4 });
  });

  test("money and time of GPUs are each other's inverse, money rounded up and time down", () => {
    const price = { microUsdPerGpuHour: 3_490_000, asOf: "", source: "" };
    expect(gpuTimeCost(price, { gpus: 8, ms: 3_600_000 })).toBe(27_920_000);
    const ms = gpuTimeFor(price, { gpus: 8, microUsd: 10_000_000 });
    expect(gpuTimeCost(price, { gpus: 8, ms })).toBeLessThanOrEqual(10_000_000);
    expect(gpuTimeFor({ ...price, microUsdPerGpuHour: 0 }, { gpus: 8, microUsd: 0 })).toBe(Infinity);
  });

  test("names of PyTorch are found in the table, slower cards of the same name are not", () => {
    expect(gpuKind("NVIDIA H100 80GB HBM3")?.gpu).toBe("H100");
    expect(gpuKind("NVIDIA H100 PCIe")).toBeUndefined();
    expect(gpuKind("NVIDIA A100-SXM4-80GB")?.gpu).toBe("A100-80");
    expect(gpuKind("NVIDIA A100-SXM4-40GB")).toBeUndefined();
    expect(gpuKind("NVIDIA H200")?.gpu).toBe("H200");
    expect(gpuKind("Tesla T4")).toBeUndefined();
  });
});

describe("ways", () => {
  test("the configured one first, then the cheapest; each holds the training", () => {
    const launcher = Launcher.parse({ type: "hf-jobs", flavor: "h200x2" });
    const ways = trainingWays(sizeByParameters(7.6e9), { ...S1, longest: 8192 }, launcher);
    expect(ways[0]).toMatchObject({ name: "hf-jobs, as configured", gpu: "H200", gpus: 2, fits: "yes" });
    const rest = ways.slice(1);
    expect(rest.length).toBeGreaterThan(5);
    expect(rest.every(({ fits, isConfigured }) => fits === "yes" && !isConfigured)).toBe(true);
    expect(rest.map(({ microUsd }) => microUsd[1])).toEqual(
      rest.map(({ microUsd }) => microUsd[1]).sort((a, b) => a - b),
    );
    for (const { microUsd, hours } of ways) {
      expect(microUsd[0]).toBeLessThan(microUsd[1]);
      expect(hours[0]).toBeLessThan(hours[1]);
    }
  });

  test("a machine too small is shown as such where it is what the recipe says", () => {
    const launcher = Launcher.parse({ type: "hf-jobs", flavor: "l40sx1" });
    expect(trainingWays(S1_32B, S1, launcher)[0]).toMatchObject({ fits: "no", gpu: "L40S" });
  });
});
