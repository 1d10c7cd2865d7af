/** @file What a fine-tune would take on rented GPUs: floating-point operations, hours, dollars. An estimate, low to high. Pure. */
import { GPU_PRICES, type Range } from "./dated-prices.ts";

/** Operations of one parameter for one trained token: forward, and twice that backward. */
const OPERATIONS = 6;
/** Peak of an H100 or H200 in bf16, operations a second. */
const PEAK = 989e12;
/** Share of the peak that such fine-tunes reach: on one GPU, and where the student must be spread over several. */
const SMALL = { upToBillion: 8, share: [0.3, 0.4] } as const;
const LARGE_SHARE = [0.12, 0.2] as const;

/** The same fine-tune on rented H100s. */
export interface RentedTraining {
  readonly gpuHours: Range;
  /** Dollars, at the cheapest and the dearest of the dated prices. */
  readonly usd: Range;
  readonly utilisation: Range;
}

/** GPU-hours and dollars of training on so many tokens, epochs counted. s1's 25 million tokens took 32.8 billion 7 hours. */
export function rentedTraining(billionParameters: number, trainedTokens: number): RentedTraining {
  const utilisation = billionParameters <= SMALL.upToBillion ? SMALL.share : LARGE_SHARE;
  const hours = (share: number): number =>
    (OPERATIONS * billionParameters * 1e9 * trainedTokens) / (PEAK * share) / 3600;
  const gpuHours: Range = [hours(utilisation[1]), hours(utilisation[0])];
  const prices = GPU_PRICES.flatMap(({ perHour }) => perHour);
  return {
    gpuHours,
    usd: [(gpuHours[0] * Math.min(...prices)) / 1e6, (gpuHours[1] * Math.max(...prices)) / 1e6],
    utilisation,
  };
}
