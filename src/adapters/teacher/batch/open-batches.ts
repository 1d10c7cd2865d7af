/** @file The batch API of a recipe's endpoint, where its provider has one. */
import { join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import { canonicalJson, shortHash } from "../../../core/hash.ts";
import type { Price } from "../../../ledger/price-book.ts";
import { BATCH_DEADLINE_MINUTES, type Endpoint, endpointName } from "../../../schema/endpoint.ts";
import { anthropicHeaders } from "../anthropic.ts";
import { bearer } from "../api-key.ts";
import { geminiHeaders } from "../gemini.ts";
import { endpointKey, type EndpointPorts } from "../open-endpoint.ts";
import { AnthropicBatches } from "./anthropic-batches.ts";
import type { BatchTerms } from "./batch-buyer.ts";
import { anthropicCodec, type BatchCodec, chatCodec, geminiCodec, responsesCodec } from "./batch-codec.ts";
import type { BatchProvider } from "./batch-provider.ts";
import { GeminiBatches } from "./gemini-batches.ts";
import { OpenAIBatches } from "./openai-batches.ts";
import { BATCHES_FOLDER, liveBatches } from "./shard-log.ts";

/** What opening an endpoint's batches needs. */
export interface OpenBatchesOptions extends EndpointPorts {
  /** The price of its batches: `endpointPrice(endpoint, { batch: true })`. */
  readonly price: Price;
  /** The folder of the journal; the batches are remembered beside it. */
  readonly journalFolder: string;
  /** Stage on whose account is bought. */
  readonly stage: string;
  /** What errors call the endpoint. */
  readonly called: string;
}

/** Batches of an endpoint, ready to buy through. */
export interface OpenBatches extends BatchTerms {
  close(): Promise<void>;
}

/**
 * Opens the batch API of an endpoint that has `batch`; nothing is sent until something is bought.
 * @throws {AppError} `usage`: its key is not set; `recipe-invalid`: it has no `batch`.
 */
export function openBatches(endpoint: Endpoint, options: OpenBatchesOptions): OpenBatches {
  const { batch } = endpoint;
  if (batch === undefined) throw new AppError("recipe-invalid", `${options.called} has no batch field`);
  return { ...open(endpoint, options), deadlineMinutes: batch.deadlineMinutes };
}

/**
 * Opens the batches of an endpoint that has no `batch` any more, where some of an earlier process have not ended: they
 * hold what would otherwise be bought a second time. Undefined where there are none.
 * @throws {AppError} as {@link openBatches}, and what reading their file throws.
 */
export async function openLeftBatches(
  endpoint: Endpoint,
  options: OpenBatchesOptions,
): Promise<OpenBatches | undefined> {
  const live = await liveBatches(options.journalFolder);
  if (![...live.values()].includes(statePathOf(endpoint, options))) return undefined;
  return { ...open(endpoint, options), deadlineMinutes: BATCH_DEADLINE_MINUTES, isLeftOver: true };
}

function open(endpoint: Endpoint, options: OpenBatchesOptions): Omit<OpenBatches, "deadlineMinutes"> {
  const { price, called } = options;
  const provider = providerOf(endpoint, options);
  const close = (): Promise<void> => provider.close();
  return { provider, codec: codecOf(endpoint, called), price, statePath: statePathOf(endpoint, options), close };
}

function statePathOf(endpoint: Endpoint, { journalFolder, stage }: OpenBatchesOptions): string {
  return join(journalFolder, BATCHES_FOLDER, `${stateName(endpoint, stage)}.jsonl`);
}

/** A name that is the same for the same purchases: not of URL or key. */
function stateName(endpoint: Endpoint, stage: string): string {
  const name = endpointName(endpoint);
  return `${name}-${shortHash(canonicalJson({ name, model: endpoint.model, stage })).slice(0, 8)}`;
}

function providerOf(endpoint: Endpoint, ports: OpenBatchesOptions): BatchProvider {
  const { baseUrl, model } = endpoint;
  const apiKey = endpointKey(endpoint, ports, ports.called);
  const reached = { baseUrl, apiKey, called: ports.called };
  switch (endpoint.type) {
    case "openai-compatible":
    case "openai": {
      const path = endpoint.type === "openai" ? "/v1/responses" : "/v1/chat/completions";
      const dialect = isTogether(baseUrl) ? "together" : "openai";
      return new OpenAIBatches({ ...reached, headers: bearer(apiKey), endpoint: path, dialect });
    }
    case "gemini":
      return new GeminiBatches({ ...reached, headers: geminiHeaders(apiKey), model });
    case "anthropic":
      return new AnthropicBatches({ ...reached, headers: anthropicHeaders(apiKey) });
    default:
      return endpoint satisfies never;
  }
}

/** Together's batches differ from OpenAI's in shape, and its address alone tells that it is Together. */
function isTogether(baseUrl: string): boolean {
  return /(^|\.)together\.(ai|xyz)$/.test(new URL(baseUrl).hostname);
}

function codecOf(endpoint: Endpoint, called: string): BatchCodec {
  const { model } = endpoint;
  switch (endpoint.type) {
    case "openai-compatible":
      return chatCodec({ model, provenance: endpoint.reasoning, called });
    case "gemini":
      return geminiCodec(called);
    case "anthropic":
      return anthropicCodec(model, called);
    case "openai":
      return responsesCodec(model, called);
    default:
      return endpoint satisfies never;
  }
}
