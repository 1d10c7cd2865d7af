/** @file What the fake of a batch API keeps, and what its routes ask of it. */
import type { ServerResponse } from "node:http";
import { shortHash } from "../../../src/core/hash.ts";

export type BatchApi = "openai" | "responses" | "together" | "gemini" | "anthropic";

/** An answer that is no success. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What is wrong with one result. */
export type RowFault =
  | "none"
  /** Refused, this request never works; for now; the key is bad. */
  | "refused"
  | "unavailable"
  | "unauthorised"
  /** Its line is given twice. */
  | "duplicate"
  /** Its line is cut: made and billed, and not readable. */
  | "garbled"
  /** Made and billed, and nowhere to be found. */
  | "missing"
  /** Made, billed, and withheld for good. */
  | "withheld"
  /** A reply in which the key is said back. */
  | "echo"
  /** A reply that is no reply. */
  | "empty"
  /** A reply longer than any that is taken. */
  | "huge";

/** One request of a batch. */
export interface FakeItem {
  readonly id: string;
  readonly content: string;
  /** How it is to think, where the API has ways. */
  readonly thinking?: string | undefined;
}

/** A batch as the server keeps it. */
export interface FakeBatch {
  readonly id: string;
  readonly name: string;
  readonly inputFile: string;
  readonly endpoint: string;
  readonly items: readonly FakeItem[];
  looks: number;
  state: "running" | "cancelling" | "completed" | "cancelled" | "expired" | "failed";
  failure: string;
  /** Requests that were run, by index. */
  done: number;
}

/** Tokens of the reply to a prompt. */
export const tokensOf = (content: string): number => 1 + (Number.parseInt(shortHash(content).slice(0, 6), 16) % 999);
/** Tokens that each prompt is billed with. */
export const PROMPT_TOKENS = 10;

/** The server behind the routes. */
export interface BatchHost {
  readonly baseUrl: string;
  readonly batches: readonly FakeBatch[];
  readonly files: Map<string, string>;
  readonly faults: {
    readonly row?: (content: string) => RowFault;
    readonly refusesBudgets?: boolean;
    readonly repeatsLists?: boolean;
  };
  newId(prefix: string): string;
  create(batch: NewBatch, response?: ServerResponse): FakeBatch;
  look(id: string): FakeBatch;
  advance(batch: FakeBatch): FakeBatch;
  cancel(id: string): FakeBatch;
  succeeded(batch: FakeBatch): number;
  lines(batch: FakeBatch, lineOf: (item: FakeItem, fault: RowFault, wasRun: boolean) => string | undefined): string;
  sendFile(response: ServerResponse, text: string): void;
}

/** A batch as it is asked for. */
export type NewBatch = Pick<FakeBatch, "id" | "name" | "inputFile" | "endpoint" | "items">;
