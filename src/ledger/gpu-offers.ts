/**
 * @file GPUs and what an hour of one costs, with the day each price was read and where. For forecasts alone: what a job costs is
 * told by the recipe's price or these, and settled from its real times. A price without a source and a day has no place here.
 */
import { type Dated, GPU_PRICES, type GpuPrice } from "./dated-prices.ts";

/** What a kind of GPU can hold and do at most. */
export interface GpuKind {
  /** As the tables of this file and recipes name it. */
  readonly gpu: string;
  readonly memoryBytes: number;
  /** Dense bf16 operations a second with f32 sums, by its maker's data sheet. */
  readonly peak: number;
  /** Whether GPUs of one machine are joined by NVLink; where not, sharding waits for PCIe. */
  readonly hasNvlink: boolean;
}

const GIB = 2 ** 30;

/** Smallest memory first. */
export const GPU_KINDS: readonly GpuKind[] = [
  { gpu: "L40S", memoryBytes: 44.5 * GIB, peak: 362e12, hasNvlink: false },
  { gpu: "A100-80", memoryBytes: 79 * GIB, peak: 312e12, hasNvlink: true },
  { gpu: "H100", memoryBytes: 79 * GIB, peak: 989e12, hasNvlink: true },
  { gpu: "H200", memoryBytes: 139 * GIB, peak: 989e12, hasNvlink: true },
  { gpu: "B200", memoryBytes: 178 * GIB, peak: 2250e12, hasNvlink: true },
];

/** A price of GPUs, and how they are reached from here. */
export interface GpuOffer extends GpuPrice {
  /** Launcher that a job goes there with. */
  readonly launcher: "hf-jobs" | "ray";
  /** How many one machine may hold; jobs over several machines need a launcher for that. */
  readonly most: number;
}

const usd = (dollars: number): readonly [number, number] => [dollars * 1e6, dollars * 1e6];
const RUNPOD: Dated = { asOf: "2026-11-09", source: "https://www.runpod.io/pricing" };
const LAMBDA: Dated = { asOf: "2026-09-20", source: "https://lambda.ai/instances" };
const NEBIUS: Dated = { asOf: "2026-09-25", source: "https://nebius.com/prices" };
const HUB: Dated = { asOf: "2026-11-23", source: "https://huggingface.co/docs/hub/jobs-pricing" };

/** By the hour and GPU, on demand; the H100s of GPU_PRICES first. */
export const GPU_OFFERS: readonly GpuOffer[] = [
  ...GPU_PRICES.map((price): GpuOffer => ({ ...price, launcher: "ray", most: 8 })),
  { gpu: "H100", provider: "Nebius", perHour: usd(3.85), range: "", launcher: "ray", most: 8, ...NEBIUS },
  {
    gpu: "A100-80",
    provider: "RunPod",
    perHour: [1_390_000, 1_790_000],
    range: "community to secure cloud",
    launcher: "ray",
    most: 8,
    ...RUNPOD,
  },
  { gpu: "A100-80", provider: "Lambda", perHour: usd(2.79), range: "", launcher: "ray", most: 8, ...LAMBDA },
  { gpu: "B200", provider: "Lambda", perHour: usd(6.69), range: "", launcher: "ray", most: 8, ...LAMBDA },
  { gpu: "L40S", provider: "Hugging Face Jobs", perHour: usd(1.8), range: "", launcher: "hf-jobs", most: 8, ...HUB },
  { gpu: "A100-80", provider: "Hugging Face Jobs", perHour: usd(2.5), range: "", launcher: "hf-jobs", most: 8, ...HUB },
  { gpu: "H200", provider: "Hugging Face Jobs", perHour: usd(5), range: "", launcher: "hf-jobs", most: 8, ...HUB },
];

/** What Hugging Face Jobs calls its hardware: kind and count by flavour. */
export function gpusOfFlavor(flavor: string): { readonly gpu: string; readonly count: number } | undefined {
  const found = /^(h200|a100|a100-large|l40s)(?:x([1-9]))?$/.exec(flavor);
  if (found === null) return undefined;
  const gpu = { h200: "H200", a100: "A100-80", "a100-large": "A100-80", l40s: "L40S" }[found[1] as "h200"];
  return { gpu, count: Number(found[2] ?? 1) };
}

/** The kind of a GPU by our name or PyTorch's ("NVIDIA H100 80GB HBM3"); undefined where the table has none. */
export function gpuKind(name: string): GpuKind | undefined {
  const plain = name.toUpperCase();
  if (plain.includes("A100") && plain.includes("40GB")) return undefined;
  // PCIe and NVL cards of the same name are slower: their peak is not the table's.
  if (/PCIE|NVL/.test(plain) && !plain.includes("A100")) return undefined;
  return GPU_KINDS.find(({ gpu }) => plain === gpu || new RegExp(`\\b${gpu.split("-")[0] as string}\\b`).test(plain));
}
