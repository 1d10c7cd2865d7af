import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { endpointPrice } from "../src/ledger/endpoint-price.ts";
import { fineTuneRate } from "../src/ledger/fine-tune-price.ts";
import { priceAt } from "../src/ledger/price-book.ts";
import { Endpoint } from "../src/schema/endpoint.ts";

const text = await readFile(resolve("docs/budget.md"), "utf8");
const rows = [...text.matchAll(/^\| `(\S+)` \| ([\d.]+) \/ ([\d.]+) \| (.+) \| (\S+) \|$/gm)].map((row) =>
  row.slice(1),
);
const TYPES = { gemini: "gemini", gpt: "openai", claude: "anthropic" } as const;

/** The endpoint that a model's own provider serves it at. */
function endpointOf(model: string): Endpoint {
  if (model.startsWith("deepseek"))
    return Endpoint.parse({ type: "openai-compatible", baseUrl: "https://api.deepseek.com/v1", model });
  return Endpoint.parse({ type: TYPES[model.split("-")[0] as keyof typeof TYPES], model });
}

test.each(rows)("the price of %s stands in docs/budget.md as it is counted", (model, input, output, settled, day) => {
  const price = endpointPrice(endpointOf(model as string));
  expect([price.inputPerMillion, price.outputPerMillion, price.asOf]).toEqual([
    Number(input) * 1e6,
    Number(output) * 1e6,
    day,
  ]);
  const [, low, lowOut] = /([\d.]+) \/ ([\d.]+)/.exec(settled as string) ?? [];
  if (low === undefined) return;
  // A Saturday of 2026: off-peak, and before Gemini's new price. Where that changes nothing, what stands there is a tier.
  const { inputPerMillion, outputPerMillion, tiers } = priceAt(price, new Date("2026-11-28T12:00:00Z"));
  const rates = price.schedule === undefined ? tiers?.[0] : { inputPerMillion, outputPerMillion };
  expect([rates?.inputPerMillion, rates?.outputPerMillion]).toEqual([Number(low) * 1e6, Number(lowOut) * 1e6]);
});

test("the table names every model, and the fine-tunes' prices are the table's", () => {
  expect(rows).toHaveLength(5);
  const together = (method: "lora" | "full", base: string): string =>
    (fineTuneRate({ provider: "together", method, base }).perMillion / 1e6).toFixed(2);
  const [lora, full, large, largeFull] = [
    together("lora", "x-7B"),
    together("full", "x-7B"),
    together("lora", "x-32B"),
    together("full", "x-32B"),
  ];
  expect(text).toContain(
    `${lora}\n  (LoRA) and ${full} (full) up to 16 billion parameters, ${large} and ${largeFull} up to 69`,
  );
});
