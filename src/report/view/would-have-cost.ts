/** @file Beside what the run cost: what s1's way would have cost, as words and tables. Estimated, and said so each time. */
import type { Range } from "../../ledger/dated-prices.ts";
import { S1_FINE_TUNE, S1_TRACES } from "../../ledger/s1-work.ts";
import {
  type CostEstimate,
  type CostItem,
  type CostPart,
  purposeUsd,
  wouldHaveCost,
} from "../../ledger/would-have-cost.ts";
import { count, dollars, dollarsRange, duration } from "../number-format.ts";
import type { RunResults } from "../run-results.ts";
import { type Cell, type DataTable, numberColumn, type Row, textColumn } from "./data-table.ts";

/** The estimate in a sentence, in a few lines of a terminal, step by step beside the run, and price by price. */
export interface WouldHaveCostView {
  readonly sentence: string;
  readonly short: string;
  readonly steps: DataTable;
  readonly prices: DataTable;
}

type Purpose = CostItem["purpose"];

/** The steps of s1's way, and the stage of a run that does the same. */
const STEPS: readonly { readonly purpose: Purpose; readonly stage: string }[] = [
  { purpose: "traces", stage: "trace" },
  { purpose: "fine-tune", stage: "train" },
  { purpose: "evaluation", stage: "evaluate" },
];

const SIDES: Readonly<Record<string, string>> = { "million prompt tokens": "in", "million completion tokens": "out" };

/** `4.7`, `2.53–7.68`: three figures are more than an estimate deserves. */
function figures([low, high]: Range): string {
  const figure = (value: number): string => String(Number(value.toPrecision(3)));
  return low === high ? figure(low) : `${figure(low)}–${figure(high)}`;
}

function quantityText(parts: readonly CostPart[]): string {
  return parts
    .map(({ unit, quantity }) => {
      const side = SIDES[unit];
      return side === undefined ? `${figures(quantity)} ${unit}` : `${figures(quantity)} M tokens ${side}`;
    })
    .join(", ");
}

function unitText(parts: readonly CostPart[]): string {
  return parts.map(({ unit, unitUsd }) => `${dollarsRange(unitUsd)} ${SIDES[unit] ?? "an hour"}`).join(", ");
}

/** `developers.openai.com`: the table names the site, result.json the page. */
function site(source: string): string {
  return /^https:\/\/(?:www\.)?([^/\s]+)/.exec(source)?.[1] ?? source;
}

function ownCell(results: RunResults, stage: string): Cell {
  const row = results.ledger.find((one) => one.stage === stage);
  if (row === undefined) return { text: "–" };
  return { text: `${dollars(row.costUsd)}, ${duration(row.seconds)}`, basis: row.costBasis };
}

function stepsTable(results: RunResults, { items, usd, published }: CostEstimate): DataTable {
  const steps = STEPS.map(({ purpose, stage }): Row => {
    const first = items.find((item) => item.purpose === purpose);
    return {
      tone: "plain",
      cells: [
        { text: first === undefined ? purpose : `${purpose}: ${quantityText(first.parts)}` },
        ownCell(results, stage),
        { text: dollarsRange(purposeUsd(items, purpose)), basis: "estimated" },
      ],
    };
  });
  const press: Row = {
    tone: "plain",
    cells: [
      { text: `fine-tune alone, as ${published.source} had it on ${published.asOf}` },
      { text: "" },
      { text: `under ${dollars(published.usdBelow).replace(/\.00$/, "")}`, basis: "published" },
    ],
  };
  const own: Cell = {
    text: `${dollars(results.spentUsd)}, ${duration(results.seconds)}`,
    basis: results.spentBasis,
  };
  const total: Row = {
    tone: "total",
    cells: [{ text: "all of it" }, own, { text: dollarsRange(usd), basis: "estimated" }],
  };
  return {
    caption:
      "Estimated at on-demand list prices: the cheapest supplier to the dearest. Quantities are the paper's (arXiv 2501.19393), with prompts of 300 tokens assumed; the evaluation goes from one pass to every point of its Figure 1. The paper gives GPU time and no dollars; the press did. Not counted: the 58,029 candidates that s1 traced and did not choose, grading, failed tries, people.",
    columns: [textColumn("step, and s1's quantities"), numberColumn("this run"), numberColumn("s1's way")],
    rows: [...steps, press, total],
  };
}

function priceRow(item: CostItem): Row {
  const why = item.range === "" ? "" : `; ${item.range}`;
  return {
    tone: "plain",
    cells: [
      { text: `${item.purpose}: ${item.supplier}` },
      { text: unitText(item.parts) },
      { text: dollarsRange(item.usd), basis: "estimated" },
      { text: `${item.asOf}, ${site(item.source)}${why}` },
    ],
  };
}

function pricesTable({ items }: CostEstimate): DataTable {
  return {
    caption:
      "Price by price, each with the day it was looked up; one of each kind is paid, not all. Tokens: dollars for a million. result.json has the full addresses. Nobody sells s1-32B by the token: its evaluation is priced as a model of that size.",
    columns: [
      textColumn("supplier"),
      textColumn("unit price"),
      numberColumn("dollars"),
      textColumn("day and source of the price"),
    ],
    rows: items.map(priceRow),
  };
}

/** What s1's way would have cost, set beside what this run did. */
export function wouldHaveCostOf(results: RunResults): WouldHaveCostView {
  const estimate = wouldHaveCost();
  const { pricesFrom, pricesTo, items, usd } = estimate;
  const range = (purpose: Purpose): string => dollarsRange(purposeUsd(items, purpose));
  const prices = `list prices of ${pricesFrom} to ${pricesTo}`;
  return {
    sentence: `Estimated at ${prices}: s1's ${count(S1_TRACES.count)} traces of ${count(S1_TRACES.tokensEach)} tokens ${range("traces")}, by teacher; its fine-tune, ${S1_FINE_TUNE.minutes} min on ${S1_FINE_TUNE.gpus} ${S1_FINE_TUNE.gpu}, ${range("fine-tune")}; its evaluation ${range("evaluation")}; together ${dollarsRange(usd)}. This run teaches a far smaller model far easier questions: these are the prices of the same steps, not of the same result.`,
    short: `s1's way, estimated at ${prices}: ${dollarsRange(usd)} (traces ${range("traces")}, fine-tune ${range("fine-tune")}, evaluation ${range("evaluation")}).`,
    steps: stepsTable(results, estimate),
    prices: pricesTable(estimate),
  };
}
