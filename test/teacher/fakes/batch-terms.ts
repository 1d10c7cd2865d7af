/** @file Batches of a fake, opened as a recipe's endpoint. */
import { type OpenBatches, openBatches } from "../../../src/adapters/teacher/batch/open-batches.ts";
import { OpenAIBatches } from "../../../src/adapters/teacher/batch/openai-batches.ts";
import type { Price } from "../../../src/ledger/price-book.ts";
import { Endpoint } from "../../../src/schema/endpoint.ts";
import { KEY } from "./batch-routes.ts";
import type { FakeBatches } from "./fake-batches.ts";

/** How to open them. */
export interface FakeTerms {
  readonly fake: FakeBatches;
  readonly journalFolder: string;
  readonly price: Price;
  /** What else the endpoint says. */
  readonly rest?: object | undefined;
}

/** The batches of a fake; its model is `m`, its key in the variable `K`. */
export function batchTerms({ fake, journalFolder, price, rest = {} }: FakeTerms): OpenBatches {
  const { api, baseUrl } = fake;
  const type = api === "openai" || api === "together" ? "openai-compatible" : api === "responses" ? "openai" : api;
  const endpoint = Endpoint.parse({ type, baseUrl, model: "m", apiKeyEnv: "K", batch: {}, ...rest });
  const ports = { secrets: () => KEY, readKeyFile: () => "" };
  const opened = openBatches(endpoint, { ...ports, price, journalFolder, stage: "trace", called: "the teacher" });
  if (api !== "together") return opened;
  // Together is known by its address, which a fake cannot have.
  const headers = { authorization: `Bearer ${KEY}` };
  const reached = { baseUrl, apiKey: KEY, called: "the teacher", headers };
  return {
    ...opened,
    provider: new OpenAIBatches({ ...reached, dialect: "together", endpoint: "/v1/chat/completions" }),
  };
}
