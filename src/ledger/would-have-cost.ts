/** @file What s1's way would have cost at the list prices of a day: an estimate, itemised, never a bill. Pure. */
import {
  type Dated,
  GPU_PRICES,
  type GpuPrice,
  type Range,
  STUDENT_SIZE_PRICES,
  TEACHER_PRICES,
  type TokenPrice,
} from "./dated-prices.ts";
import { ASSUMED_PROMPT_TOKENS, evaluationMillions, fineTuneGpuHours, S1_PUBLISHED, S1_TRACES } from "./s1-work.ts";

/** A quantity at its unit price. */
export interface CostPart {
  /** `million prompt tokens`, `million completion tokens`, `GPU-hours`. */
  readonly unit: string;
  readonly quantity: Range;
  /** Dollars for one unit. */
  readonly unitUsd: Range;
  /** Dollars, to the micro-dollar: the low quantity at the low price, the high at the high. */
  readonly usd: Range;
}

/** One thing to pay for, at one supplier. */
export interface CostItem extends Dated {
  readonly purpose: "traces" | "fine-tune" | "evaluation";
  /** Model or GPU, and who sells it. */
  readonly supplier: string;
  readonly parts: readonly CostPart[];
  readonly usd: Range;
  /** What makes a range of it, in a few words; empty where there is none. */
  readonly range: string;
}

/** The whole estimate. Everything in it is estimated except `published`. */
export interface CostEstimate {
  readonly basis: "estimated";
  /** Alternatives by purpose: one of each is paid, not all. */
  readonly items: readonly CostItem[];
  /** The cheapest of each purpose together, and the dearest of each. */
  readonly usd: Range;
  /** First and last day on which prices were looked up. */
  readonly pricesFrom: string;
  readonly pricesTo: string;
  readonly published: typeof S1_PUBLISHED & { readonly basis: "published" };
}

/** Prices to estimate with; the dated ones that come with grappa unless told otherwise. */
export interface EstimatePrices {
  readonly teachers: readonly TokenPrice[];
  readonly students: readonly TokenPrice[];
  readonly gpus: readonly GpuPrice[];
}

const KNOWN_PRICES: EstimatePrices = {
  teachers: TEACHER_PRICES,
  students: STUDENT_SIZE_PRICES,
  gpus: GPU_PRICES,
};

const MICRO_PER_USD = 1_000_000;

const single = (value: number): Range => [value, value];

/** Dollars of `quantity` units at `microUsd` each, rounded to whole micro-dollars at both ends. */
function part(unit: string, quantity: Range, microUsd: Range): CostPart {
  const amount = (end: 0 | 1): number => Math.round(quantity[end] * microUsd[end]) / MICRO_PER_USD;
  return {
    unit,
    quantity,
    unitUsd: [microUsd[0] / MICRO_PER_USD, microUsd[1] / MICRO_PER_USD],
    usd: [amount(0), amount(1)],
  };
}

/** Sums dollars in whole micro-dollars, so that no rounding of binary fractions shows. */
function sumUsd(amounts: readonly Range[]): Range {
  const sum = (end: 0 | 1): number =>
    amounts.reduce((total, amount) => total + Math.round(amount[end] * MICRO_PER_USD), 0) / MICRO_PER_USD;
  return [sum(0), sum(1)];
}

function item(
  purpose: CostItem["purpose"],
  dated: Dated,
  rest: Pick<CostItem, "supplier" | "parts" | "range">,
): CostItem {
  const { asOf, source } = dated;
  return { purpose, ...rest, usd: sumUsd(rest.parts.map(({ usd }) => usd)), asOf, source };
}

function tokenItem(
  purpose: CostItem["purpose"],
  price: TokenPrice,
  millions: { readonly input: Range; readonly output: Range; readonly range: string },
): CostItem {
  return item(purpose, price, {
    supplier: `${price.model} (${price.provider})`,
    parts: [
      part("million prompt tokens", millions.input, price.inputPerMillion),
      part("million completion tokens", millions.output, price.outputPerMillion),
    ],
    range: price.range === "" ? millions.range : price.range,
  });
}

/** Dollars of the cheapest and the dearest item of a purpose; [0, 0] where there is none. */
export function purposeUsd(items: readonly CostItem[], purpose: CostItem["purpose"]): Range {
  const amounts = items.filter((one) => one.purpose === purpose).map(({ usd }) => usd);
  if (amounts.length === 0) return [0, 0];
  return [Math.min(...amounts.map(([low]) => low)), Math.max(...amounts.map(([, high]) => high))];
}

/**
 * What s1's 1,000 traces from each named teacher, its fine-tune on each named cloud and its evaluation would have cost.
 * Left out, and said so where this is shown: tracing the other 58,029 candidates, grading, failed tries, people.
 */
export function wouldHaveCost({ teachers, students, gpus }: EstimatePrices = KNOWN_PRICES): CostEstimate {
  const traces = {
    input: single((S1_TRACES.count * ASSUMED_PROMPT_TOKENS) / 1e6),
    output: single((S1_TRACES.count * S1_TRACES.tokensEach) / 1e6),
    range: "",
  };
  const evaluation = { ...evaluationMillions(), range: "one pass to every point of Figure 1" };
  const items = [
    ...teachers.map((price) => tokenItem("traces", price, traces)),
    ...gpus.map((price) =>
      item("fine-tune", price, {
        supplier: `${price.gpu} (${price.provider})`,
        parts: [part("GPU-hours", single(fineTuneGpuHours()), price.perHour)],
        range: price.range,
      }),
    ),
    ...students.map((price) => tokenItem("evaluation", price, evaluation)),
  ];
  const days = items.map(({ asOf }) => asOf).sort();
  return {
    basis: "estimated",
    items,
    usd: sumUsd((["traces", "fine-tune", "evaluation"] as const).map((purpose) => purposeUsd(items, purpose))),
    pricesFrom: days[0] ?? "",
    pricesTo: days.at(-1) ?? "",
    published: { basis: "published", ...S1_PUBLISHED },
  };
}
