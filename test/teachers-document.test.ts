/** @file docs/teachers.md says what the code holds: terms, prices, and recipes that are recipes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LICENCES, PROVIDERS, SELF_HOSTED, type TermsOfUse } from "../src/adapters/teacher/terms-table.ts";
import { termsOf } from "../src/adapters/teacher/terms-of-use.ts";
import { BATCH_DISCOUNTS } from "../src/ledger/dated-prices.ts";
import { endpointPrice } from "../src/ledger/endpoint-price.ts";
import { formatUsd } from "../src/ledger/money.ts";
import type { Price } from "../src/ledger/price-book.ts";
import { Endpoint } from "../src/schema/endpoint.ts";

const text = readFileSync("docs/teachers.md", "utf8");

/** The text between two markers. */
function section(name: string): string {
  const found = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- /${name} -->`).exec(text)?.[1];
  return found?.trim() ?? expect.fail(`docs/teachers.md has no section ${name}`);
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function termsTable(all: readonly TermsOfUse[]): string {
  const rows = all.map(({ provider, title, mayTrain, clause, source, textOf }) => {
    const where = source === null ? "–" : `[terms](${source})`;
    return row([title, `\`${provider}\``, mayTrain, clause, where, textOf ?? "–"]);
  });
  return [row(["whose", "name", "may train", "clause", "where", "text of"]), "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

/** The recipes of the page, as endpoints. */
const snippets = [...text.matchAll(/```json\n([^]*?)```/g)].map(([, json = ""]) => Endpoint.parse(JSON.parse(json)));

/** Lowest to highest of a schedule's rates, or the one rate. */
function range(price: Price, pick: (rates: { inputPerMillion: number; outputPerMillion: number }) => number): string {
  const rates = (price.schedule ?? [price]).map(pick);
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  return low === high ? formatUsd(low) : `${formatUsd(low)}–${formatUsd(high)}`;
}

function priceRow(endpoint: Endpoint): string {
  const price = endpointPrice(endpoint);
  const rates = [range(price, (one) => one.inputPerMillion), range(price, (one) => one.outputPerMillion)];
  const source = price.source.startsWith("https://") ? `[page](${price.source})` : price.source;
  return row([`\`${endpoint.model}\``, new URL(endpoint.baseUrl).host, ...rates, price.asOf, source]);
}

describe("docs/teachers.md", () => {
  it("has the terms of the table in the code, word for word", () => {
    expect(section("terms")).toBe(termsTable([...PROVIDERS, SELF_HOSTED]));
    expect(section("licences")).toBe(termsTable(LICENCES));
  });

  it("has the prices that the ledger counts with", () => {
    const priced = snippets.filter(({ price }) => price === undefined);
    expect(priced.length).toBeGreaterThan(4);
    const head = [row(["model", "host", "in", "out", "as of", "source"]), "|---|---|---|---|---|---|"];
    expect(section("prices")).toBe([...head, ...priced.map(priceRow)].join("\n"));
  });

  it("has the discounts that the ledger counts with", () => {
    const rows = BATCH_DISCOUNTS.map(({ provider, percentOff, asOf, source }) =>
      row([provider, `${percentOff} %`, asOf, `[page](${source})`]),
    );
    expect(section("discounts")).toBe(
      [row(["provider", "off", "as of", "source"]), "|---|---|---|---|", ...rows].join("\n"),
    );
  });

  it("shows a recipe of every provider in the table, and of a server of one's own", () => {
    const shown = new Set(
      snippets.flatMap((endpoint) =>
        termsOf(endpoint)
          .slice(0, 1)
          .map(({ provider }) => provider),
      ),
    );
    expect([...shown].sort()).toEqual([...PROVIDERS, SELF_HOSTED].map(({ provider }) => provider).sort());
  });
});
